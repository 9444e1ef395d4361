/** The seam between files of geoid heights and the model made of them: nodes on longitude and latitude, in metres. */
import type { SampleWindow } from '../sources/raster-source.ts';

export interface GeoidRaster {
  /** Longitude of the first column, any turn, and latitude of the northernmost row; degrees, at the nodes. */
  readonly west: number;
  readonly north: number;
  /** Degrees, both positive. */
  readonly spacingLon: number;
  readonly spacingLat: number;
  readonly columns: number;
  readonly rows: number;
  /** EPSG code of the vertical CRS whose zero it gives, where the file says it. */
  readonly verticalCrs?: number | undefined;
  /** Metres above the ellipsoid, rows from the north, NaN where there is no value. The window lies inside the grid. */
  read(window: SampleWindow): Promise<Float32Array>;
}
