/** The seam between where heights come from and what is made of them: heights at posts of a tiling scheme. */
import type { Places } from '../geo/places.ts';
import type { HeightGrid, Origin, PostGrid } from '../geo/post-grid.ts';
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

/** Heights at places, in their order. */
export interface Ground {
  /** Metres above the ellipsoid, never NaN. */
  readonly heights: Float64Array;
  /** `Origin`. */
  readonly origin: Uint8Array;
}

/** What has a height everywhere. */
export interface Surface {
  /** As posts of level z would see it: by the level, sources are read at full resolution or from overviews. */
  groundAt(places: Places, z: number, options?: GroundOptions): Promise<Ground>;
}

export interface GroundOptions extends ReadOptions {
  /** Hears what the height of the first place is made of, from the source on top downwards. */
  readonly onShare?: ((share: GroundShare) => void) | undefined;
}

/** What one source gives to the height of a place. */
export interface GroundShare {
  /** The source, as the stack counts them, the one on top first; undefined for sea level or the ellipsoid. */
  readonly field: number | undefined;
  /** Level of the source that was read. */
  readonly level: number;
  /** How much rests on its samples, of what sources above it left: 0..1. */
  readonly share: number;
  /** Metres that its difference to what lies below, carried on beyond its data and fading out, adds here. */
  readonly difference: number;
  readonly origin: Origin;
}

/** Whether data lie in a box; `all` means that they lie in every box inside it. */
export type Touch = 'none' | 'some' | 'all';

export interface HeightField {
  readonly info: HeightFieldInfo;
  read(posts: PostGrid, options?: ReadOptions): Promise<HeightGrid>;
  close(): Promise<void>;
}
