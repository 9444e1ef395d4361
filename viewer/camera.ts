/**
 * Where the camera stands: flown to a layer obliquely so that its relief is seen, turned about what it looks at, read
 * and set in degrees and metres above the ellipsoid.
 */
import {
  Cartesian2,
  Cartesian3,
  Cartographic,
  Math as CesiumMath,
  type CesiumWidget,
  HeadingPitchRange,
  Matrix4,
  PerspectiveFrustum,
  Rectangle,
  Transforms,
} from 'cesium';
import type { CameraView } from './page-api.ts';

/** Degrees: steep enough to overlook a layer, flat enough to see its height. */
export const OBLIQUE = -35;
const OBLIQUE_UPRIGHT = -50;
/** Layers wider or higher than this many degrees are shown as part of the globe. */
const WIDE = 50;
/** Metres from the ellipsoid at which the whole globe is seen. */
const SPACE = 14_500_000;

export type Bounds = readonly [west: number, south: number, east: number, north: number];

export interface Flight {
  /** Seconds; 0 jumps. */
  readonly duration: number;
  /** Least and greatest ellipsoidal height of the ground in metres. */
  readonly heights: readonly [number, number];
  /** Part of the canvas that no panel covers, in CSS pixels. */
  readonly free: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };
}

/** Shows all of the bounds (degrees; west > east across the date line) inside the free part of the canvas. */
export function flyToBounds(widget: CesiumWidget, bounds: Bounds, flight: Flight): void {
  const { camera } = widget;
  const rectangle = Rectangle.fromDegrees(...bounds);
  const centre = Rectangle.center(rectangle);
  const { duration } = flight;
  if (Math.max(rectangle.width, rectangle.height) > CesiumMath.toRadians(WIDE)) {
    const destination = Cartesian3.fromRadians(centre.longitude, CesiumMath.clamp(centre.latitude, -1.2, 1.2), SPACE);
    camera.flyTo({ destination, duration });
    return;
  }
  const frame = Transforms.eastNorthUpToFixedFrame(
    Cartesian3.fromRadians(centre.longitude, centre.latitude, flight.heights[0]),
  );
  const { clientWidth: width, clientHeight: height } = widget.canvas;
  // An upright screen has room above and below: looking down more steeply fills it.
  const pitch = CesiumMath.toRadians(width < height ? OBLIQUE_UPRIGHT : OBLIQUE);
  const right = pointIn(frame, new Cartesian3(1, 0, 0));
  const up = pointIn(frame, new Cartesian3(0, -Math.sin(pitch), Math.cos(pitch)));
  const direction = pointIn(frame, new Cartesian3(0, Math.cos(pitch), Math.sin(pitch)));
  const outline = outlineOf(rectangle, flight.heights).map((point) => ({
    x: Cartesian3.dot(point, right),
    y: Cartesian3.dot(point, up),
    z: Cartesian3.dot(point, direction),
  }));

  // The camera at c sees a point inside the left and right limits when l (z - c.z) <= x - c.x <= r (z - c.z): from the
  // outermost points follow how near it may stand and where between the limits. The same for below and above.
  const [tangentX, tangentY] = lensOf(widget);
  const { free } = flight;
  const across = fitBetween(
    outline.map(({ x, z }) => [x, z]),
    (free.left / width) * 2 - 1,
    (free.right / width) * 2 - 1,
    tangentX,
  );
  const along = fitBetween(
    outline.map(({ y, z }) => [y, z]),
    1 - (free.bottom / height) * 2,
    1 - (free.top / height) * 2,
    tangentY,
  );
  const depth = Math.min(across.nearest, along.nearest);
  const destination = new Cartesian3();
  for (const [axis, amount] of [
    [right, across.middleAt(depth)],
    [up, along.middleAt(depth)],
    [direction, depth],
  ] as const) {
    Cartesian3.add(destination, Cartesian3.multiplyByScalar(axis, amount, new Cartesian3()), destination);
  }
  camera.flyTo({ destination, orientation: { direction, up }, duration });
}

/** Shows the Earth from where the camera is, as a whole. */
export function flyToSpace(widget: CesiumWidget, duration: number): void {
  const { longitude, latitude } = widget.camera.positionCartographic;
  widget.camera.flyTo({ destination: Cartesian3.fromRadians(longitude, latitude, SPACE), duration });
}

/** The point on the drawn ground, else on the ellipsoid, in the middle of the canvas; undefined when that is sky. */
export function groundInMiddle(widget: CesiumWidget): Cartesian3 | undefined {
  const { camera, canvas, scene } = widget;
  const middle = new Cartesian2(canvas.clientWidth / 2, canvas.clientHeight / 2);
  const ray = camera.getPickRay(middle);
  return (ray && scene.globe.pick(ray, scene)) ?? camera.pickEllipsoid(middle);
}

/** Turns about the ground in the middle; angles in degrees, undefined leaves one as it is. Zoom is a factor of distance. */
export function turnAbout(
  widget: CesiumWidget,
  to: { readonly heading?: number; readonly pitch?: number; readonly zoom?: number },
  duration: number,
): void {
  const { camera } = widget;
  const pivot = groundInMiddle(widget);
  if (pivot === undefined) return;
  const heading = to.heading === undefined ? camera.heading : CesiumMath.toRadians(to.heading);
  const pitch = to.pitch === undefined ? camera.pitch : CesiumMath.toRadians(to.pitch);
  const range = Math.max(Cartesian3.distance(camera.positionWC, pivot) * (to.zoom ?? 1), 30);
  // Where the camera would stand is asked of Cesium itself, then undone: only so does a flight to it not end in a lock.
  const before = currentView(widget);
  camera.lookAt(pivot, new HeadingPitchRange(heading, CesiumMath.clamp(pitch, -CesiumMath.PI_OVER_TWO, -0.03), range));
  camera.lookAtTransform(Matrix4.IDENTITY);
  const destination = camera.positionWC.clone();
  const orientation = { direction: camera.directionWC.clone(), up: camera.upWC.clone() };
  if (duration === 0) return;
  setView(widget, before);
  camera.flyTo({ destination, orientation, duration });
}

/** Moves over the ground by parts of the distance to what the camera looks at. */
export function moveOver(widget: CesiumWidget, right: number, ahead: number): void {
  const { camera } = widget;
  const pivot = groundInMiddle(widget);
  const distance = pivot ? Cartesian3.distance(camera.positionWC, pivot) : camera.positionCartographic.height;
  const { longitude, latitude, height } = camera.positionCartographic;
  const { heading, pitch } = camera;
  const east = (right * Math.cos(heading) + ahead * Math.sin(heading)) * distance;
  const north = (ahead * Math.cos(heading) - right * Math.sin(heading)) * distance;
  const radius = widget.scene.globe.ellipsoid.maximumRadius;
  const there = Cartesian3.fromRadians(
    longitude + east / (radius * Math.max(Math.cos(latitude), 0.05)),
    CesiumMath.clamp(latitude + north / radius, -1.55, 1.55),
    height,
  );
  camera.setView({ destination: there, orientation: { heading, pitch, roll: 0 } });
}

export function currentView(widget: CesiumWidget): CameraView {
  const { camera } = widget;
  const { longitude, latitude, height } = Cartographic.fromCartesian(camera.positionWC);
  return {
    longitude: CesiumMath.toDegrees(longitude),
    latitude: CesiumMath.toDegrees(latitude),
    height,
    heading: CesiumMath.toDegrees(camera.heading) % 360,
    pitch: CesiumMath.toDegrees(camera.pitch),
  };
}

export function setView(widget: CesiumWidget, view: CameraView): void {
  widget.camera.cancelFlight();
  widget.camera.setView({
    destination: Cartesian3.fromDegrees(view.longitude, view.latitude, view.height),
    orientation: {
      heading: CesiumMath.toRadians(view.heading),
      pitch: CesiumMath.toRadians(view.pitch),
      roll: 0,
    },
  });
}

/** Metres on the ground for one CSS pixel in the middle of the canvas; undefined when that is sky. */
export function metresPerPixel(widget: CesiumWidget): number | undefined {
  const pivot = groundInMiddle(widget);
  if (pivot === undefined) return undefined;
  const [tangentX] = lensOf(widget);
  return (Cartesian3.distance(widget.camera.positionWC, pivot) * tangentX * 2) / widget.canvas.clientWidth;
}

/** Corners and middles of the sides, at the least and the greatest height. */
function outlineOf(rectangle: Rectangle, heights: readonly [number, number]): Cartesian3[] {
  const steps = [0, 0.5, 1];
  return steps.flatMap((x) =>
    steps.flatMap((y) =>
      heights.map((height) =>
        Cartesian3.fromRadians(rectangle.west + x * rectangle.width, rectangle.south + y * rectangle.height, height),
      ),
    ),
  );
}

function fitBetween(points: readonly (readonly [number, number])[], low: number, high: number, tangent: number) {
  const fromHigh = points.reduce((most, [x, z]) => Math.max(most, x - high * tangent * z), Number.NEGATIVE_INFINITY);
  const fromLow = points.reduce((least, [x, z]) => Math.min(least, x - low * tangent * z), Number.POSITIVE_INFINITY);
  return {
    nearest: (fromLow - fromHigh) / ((high - low) * tangent),
    middleAt: (depth: number) => (fromHigh + high * tangent * depth + fromLow + low * tangent * depth) / 2,
  };
}

/** Tangents of half the opening angle, across and along the canvas. */
function lensOf(widget: CesiumWidget): readonly [number, number] {
  const { frustum } = widget.camera;
  const aspect = widget.canvas.clientWidth / widget.canvas.clientHeight;
  // Cesium's angle is that of the longer side.
  const half = Math.tan((frustum instanceof PerspectiveFrustum ? (frustum.fov ?? 1) : 1) / 2);
  return aspect > 1 ? [half, half / aspect] : [half * aspect, half];
}

function pointIn(frame: Matrix4, direction: Cartesian3): Cartesian3 {
  return Matrix4.multiplyByPointAsVector(frame, direction, new Cartesian3());
}
