/**
 * Light for reading relief at every hour and from every side: it comes from the upper left of the picture, as on a
 * shaded map, whichever way the camera looks. Directions are in the local east-north-up frame of what the camera sees.
 */
import { Cartesian3, Math as CesiumMath, type CesiumWidget, DirectionalLight, Matrix4, Transforms } from 'cesium';

/** Degrees from the camera's heading to where the light comes from: behind the left shoulder would flatten the relief. */
const LIGHT_FROM = -62;
/** Height of the light in degrees: near the ground low enough for long shading, seen from space high enough for a lit globe. */
const LIGHT_HEIGHT = { near: 36, far: 72 };
/** Camera heights in metres between which the one goes over into the other. */
const NEAR = 60_000;
const FAR = 4_000_000;

const frame = new Matrix4();
const towardsLight = new Cartesian3();

/** Sets the light before each frame. */
export function lightFromUpperLeft(widget: CesiumWidget): void {
  const { scene } = widget;
  const light = new DirectionalLight({ direction: new Cartesian3(0, 0, -1) });
  scene.light = light;
  // Steeper than Cesium's own shading: level ground a little under full light, slopes in shadow a third of it.
  scene.globe.lambertDiffuseMultiplier = 1.05;
  scene.globe.vertexShadowDarkness = 0.28;
  scene.preRender.addEventListener(() => {
    const { camera } = scene;
    const far = CesiumMath.clamp(
      Math.log(Math.max(camera.positionCartographic.height, 1) / NEAR) / Math.log(FAR / NEAR),
      0,
      1,
    );
    const height = CesiumMath.toRadians(CesiumMath.lerp(LIGHT_HEIGHT.near, LIGHT_HEIGHT.far, far));
    const azimuth = camera.heading + CesiumMath.toRadians(LIGHT_FROM);
    towardsLight.x = Math.sin(azimuth) * Math.cos(height);
    towardsLight.y = Math.cos(azimuth) * Math.cos(height);
    towardsLight.z = Math.sin(height);
    Transforms.eastNorthUpToFixedFrame(camera.positionWC, scene.globe.ellipsoid, frame);
    Matrix4.multiplyByPointAsVector(frame, towardsLight, towardsLight);
    Cartesian3.negate(towardsLight, light.direction);
  });
}
