/** The seam between where heights come from and what is made of them: heights at posts of a tiling scheme. */

import type { HeightGrid, PostGrid } from '../geo/post-grid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { ReadOptions } from '../sources/raster-source.ts';

export interface HeightFieldInfo {
  readonly name: string;
  readonly bounds: LonLatBox;
  /** Degrees of latitude between source samples; decides the native level. */
  readonly spacingDegrees: number;
  /** Hash of the sources' content and of every option that changes a height. */
  readonly version: string;
  /** The vertical datum in words, and whether it was assumed. */
  readonly datum: DatumStatement;
  readonly attribution: string | undefined;
}

export interface DatumStatement {
  /** Datum of the source: `ellipsoid`, `egm96`, ... */
  readonly source: string;
  /** The same for people: `NAVD88 (North America)`. Absent in documents of other tools. */
  readonly name?: string | undefined;
  readonly known: 'option' | 'file' | 'format' | 'assumed';
  /** A sentence for people. */
  readonly because: string;
  /** Name of the geoid model that turns the source's heights into ellipsoidal ones; `none` for ellipsoidal ones. */
  readonly geoid: string;
  /** Metres by which heights may be off, nearly everywhere, because the datum or its geoid was assumed; 0 when known. */
  readonly expectedErrorMetres?: number | undefined;
}

export interface HeightField {
  readonly info: HeightFieldInfo;
  read(posts: PostGrid, options?: ReadOptions): Promise<HeightGrid>;
  /** Whether data can change a height inside the box (degrees, east may exceed 180). Never wrongly false. */
  touches(box: LonLatBox): boolean;
  close(): Promise<void>;
}
