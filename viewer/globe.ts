/**
 * The globe itself: Cesium's widget without anything that calls the network, Natural Earth II from the page's own folder
 * as base, frames drawn only when something changed.
 */
import {
  buildModuleUrl,
  CesiumWidget,
  Credit,
  CreditDisplay,
  ImageryLayer,
  Ion,
  SkyBox,
  TileMapServiceImageryProvider,
} from 'cesium';

export interface GlobeOptions {
  /** Cheap drawing for software renderers and tests: no stars, no air, half resolution, no smoothing of edges. */
  readonly light: boolean;
}

/** Whether this browser can draw the globe at all. */
export function hasWebGl(): boolean {
  try {
    return document.createElement('canvas').getContext('webgl2') !== null;
  } catch {
    return false;
  }
}

/** Throws when WebGL cannot be started. */
export function createGlobe(container: Element, credits: Element, { light }: GlobeOptions): CesiumWidget {
  Ion.defaultAccessToken = '';
  CreditDisplay.cesiumCredit = new Credit('<a href="https://cesium.com/cesiumjs/" target="_blank">CesiumJS</a>', true);
  const widget = new CesiumWidget(container, {
    baseLayer: false,
    scene3DOnly: true,
    skyBox: false,
    ...(light ? { skyAtmosphere: false } : {}),
    msaaSamples: light ? 1 : 4,
    requestRenderMode: true,
    maximumRenderTimeChange: Number.POSITIVE_INFINITY,
    useBrowserRecommendedResolution: light,
    showRenderLoopErrors: false,
    creditContainer: credits,
    contextOptions: { webgl: { preserveDrawingBuffer: light, powerPreference: 'high-performance' } },
  });
  const { scene } = widget;
  const { globe } = scene;
  if (light) {
    widget.resolutionScale = 0.5;
    scene.fog.enabled = false;
    globe.showGroundAtmosphere = false;
  } else {
    // A little more haze than Cesium's own: it softens the horizon and shows how far things are.
    scene.fog.visualDensityScalar = 0.3;
    scene.skyBox = SkyBox.createEarthSkyBox();
    // Twice the CSS resolution is all that an eye sees; phones offer three and four times.
    widget.resolutionScale = Math.min(1, 2 / window.devicePixelRatio);
  }
  // Relievo's tiles use the whole error that a level allows, so that two pixels of it, Cesium's measure, show in the shading.
  globe.maximumScreenSpaceError = light ? 1 : 0.5;
  globe.depthTestAgainstTerrain = true;
  // The light follows the camera, so air must not fall into night at the limb.
  globe.dynamicAtmosphereLighting = false;
  scene.screenSpaceCameraController.minimumZoomDistance = 20;
  return widget;
}

/** Puts Natural Earth II under everything else. Rejects when its files are not beside the page. */
export async function addBaseImagery(widget: CesiumWidget): Promise<ImageryLayer> {
  const provider = await TileMapServiceImageryProvider.fromUrl(buildModuleUrl('Assets/Textures/NaturalEarthII'), {
    credit: new Credit('Natural Earth', true),
  });
  const layer = new ImageryLayer(provider);
  widget.imageryLayers.add(layer, 0);
  return layer;
}
