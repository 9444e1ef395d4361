/**
 * Heights of the ground: as drawn under a pixel, and exactly from the most detailed tile. Ellipsoidal metres without
 * exaggeration, positions in degrees.
 */
import {
  type Cartesian2,
  Cartesian3,
  Cartographic,
  Math as CesiumMath,
  type CesiumWidget,
  EllipsoidTerrainProvider,
  SceneTransforms,
  sampleTerrainMostDetailed,
} from 'cesium';
import type { LonLat } from './page-api.ts';

export interface GroundPoint {
  readonly longitude: number;
  readonly latitude: number;
  /** Metres above the ellipsoid. */
  readonly ellipsoidal: number;
}

/** The drawn ground under a place of the canvas (CSS pixels); undefined over the sky. */
export function groundAt(widget: CesiumWidget, place: Cartesian2): GroundPoint | undefined {
  const { scene, camera } = widget;
  const ray = camera.getPickRay(place);
  const hit = ray && scene.globe.pick(ray, scene);
  if (hit === undefined) return undefined;
  const { longitude, latitude, height } = Cartographic.fromCartesian(hit);
  const fixed = scene.verticalExaggerationRelativeHeight;
  return {
    longitude: CesiumMath.toDegrees(longitude),
    latitude: CesiumMath.toDegrees(latitude),
    ellipsoidal: (height - fixed) / scene.verticalExaggeration + fixed,
  };
}

/** Heights from the most detailed tile at each point; 0 everywhere on the smooth globe. Rejects when a tile fails. */
export async function sampleHeights(widget: CesiumWidget, points: readonly LonLat[]): Promise<number[]> {
  const provider = widget.terrainProvider;
  if (provider instanceof EllipsoidTerrainProvider) return points.map(() => 0);
  const sampled = await sampleTerrainMostDetailed(provider, points.map(toCartographic), true);
  return sampled.map(({ height }) => height);
}

/** Where a ground point is drawn on the canvas in CSS pixels; undefined when it is behind the camera or the horizon. */
export function placeOnScreen(widget: CesiumWidget, point: GroundPoint): Cartesian2 | undefined {
  const { scene } = widget;
  const fixed = scene.verticalExaggerationRelativeHeight;
  const drawn = (point.ellipsoidal - fixed) * scene.verticalExaggeration + fixed;
  const position = Cartesian3.fromDegrees(point.longitude, point.latitude, drawn);
  if (isBeyondHorizon(scene.camera.positionWC, position)) return undefined;
  return SceneTransforms.worldToWindowCoordinates(scene, position);
}

/** Whether a sphere a little smaller than the Earth hides the point. */
function isBeyondHorizon(eye: Cartesian3, point: Cartesian3): boolean {
  const radius = 6_340_000;
  const sight = Cartesian3.subtract(point, eye, new Cartesian3());
  const along = -Cartesian3.dot(eye, sight) / Cartesian3.magnitudeSquared(sight);
  if (along <= 0 || along >= 1) return false;
  const nearest = Cartesian3.add(eye, Cartesian3.multiplyByScalar(sight, along, sight), sight);
  return Cartesian3.magnitude(nearest) < radius;
}

function toCartographic([longitude, latitude]: LonLat): Cartographic {
  return Cartographic.fromDegrees(longitude, latitude);
}
