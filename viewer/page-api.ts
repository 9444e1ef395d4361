/**
 * What the page hands to scripts and tests as `window.relievo`. Types only, and no more of the browser than needed.
 */
import type { CesiumWidget } from 'cesium';

/** Camera position: degrees, metres above the ellipsoid; heading clockwise from north, pitch negative when looking down. */
export interface CameraView {
  readonly longitude: number;
  readonly latitude: number;
  readonly height: number;
  readonly heading: number;
  readonly pitch: number;
}

/** One imagery layer that the user added on top of the base. */
export interface ImageryEntry {
  readonly address: string;
  readonly name: string;
  readonly credit: string;
  /** 0 transparent to 1 opaque. */
  readonly opacity: number;
  readonly visible: boolean;
  readonly grid: 'mercator' | 'geographic';
  /** Which layer of a WMTS; empty for addresses that hold one. */
  readonly layer: string;
}

/** How the relief is drawn. */
export interface ReliefState {
  /** 1 (true to scale) to 5. */
  readonly exaggeration: number;
  readonly shading: boolean;
  /** Waves and glitter where the tiles' water masks say so. */
  readonly water: boolean;
  readonly colours: boolean;
  readonly contours: boolean;
  /** Metres between contour lines; 0 chooses by the distance of the camera. */
  readonly contourInterval: number;
}

/** All that a link to a view carries. */
export interface ViewState extends ReliefState {
  /** Id of the terrain layer; `none` for the smooth globe; undefined when not chosen yet. */
  readonly layer: string | undefined;
  readonly camera: CameraView | undefined;
  readonly imagery: readonly ImageryEntry[];
}

/** Longitude and latitude in degrees. */
export type LonLat = readonly [number, number];

export interface RelievoPage {
  readonly viewer: CesiumWidget;
  /** Layers are listed, terrain and camera are set; or the page has said why not. Never rejects. */
  readonly ready: Promise<void>;
  state(): ViewState;
  /** Ellipsoidal heights in metres from the most detailed tile at each point. */
  sampleHeights(points: readonly LonLat[]): Promise<number[]>;
  /** Where a ground point of this height is drawn now, in CSS pixels from the canvas's corner; undefined when behind. */
  toScreen(point: LonLat, ellipsoidal: number): { x: number; y: number } | undefined;
  /** Everything in view is loaded and drawn; rejects after `limitMs`. */
  settled(limitMs: number): Promise<void>;
}
