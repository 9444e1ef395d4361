/** The seam between raster files and everything else: samples on the file's own grid, in its own unit and datum. */
import type { Affine } from '../geo/affine.ts';

/** A resolution of a raster. Level 0 is the file itself; each further one is coarser. */
export interface RasterLevel {
  readonly columns: number;
  readonly rows: number;
  /** Level-0 samples per sample of this level, east-west and north-south. 1 at level 0. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/** Where a vertical datum was learnt. */
export type DatumEvidence = 'option' | 'file' | 'format' | 'assumed';

export interface VerticalReference {
  /**
   * `ellipsoid`: heights above WGS84; `egm96`: above the EGM96 geoid; others by name (`egm2008`, `navd88`, ...), as
   * `epsg:nnnn`, or the path of a geoid grid that the user gives.
   */
  readonly datum: string;
  /** The datum that the file names for itself, where the user says another. */
  readonly fileSays?: string | undefined;
  readonly known: DatumEvidence;
  /** Metres in one unit of the stored heights. */
  readonly unitMetres: number;
  /** Name of the unit for people: `metre`, `foot`, `US survey foot`. */
  readonly unit: string;
  /** A sentence: "SRTM heights are above EGM96". */
  readonly because: string;
}

/** A rectangle of samples of one level; column and row of its north-west sample, which may lie outside the raster. */
export interface SampleWindow {
  readonly column: number;
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
}

export interface RasterInfo {
  /** What people call it: the file's name, or `2 sheets: N20W157.hgt.zip, N20W156.hgt.zip`. */
  readonly name: string;
  readonly format: string;
  /** As proj4 takes it: `EPSG:4326`, or a proj4 string. */
  readonly crs: string;
  /** In words: `WGS 84 (EPSG:4326)`. */
  readonly crsName: string;
  /** (column, row) of a level-0 sample, counted at its **centre**, to CRS coordinates. */
  readonly affine: Affine;
  /** Finest first; never empty. */
  readonly levels: readonly RasterLevel[];
  /** Where data can be, in level-0 samples: one window, or one for each sheet. Together inside level 0. */
  readonly sheets: readonly SheetWindow[];
  /**
   * Columns after which the raster repeats, for one that goes round the whole world (geographic CRS only): reads may
   * then ask for any column and get it modulo this.
   */
  readonly periodColumns?: number | undefined;
  readonly sampleType: string;
  readonly nodata?: number | undefined;
  readonly vertical: VerticalReference;
  /** Hash of the content, hexadecimal: equal for equal bytes, wherever and whenever they were written. */
  readonly version: string;
  /** Whether bytes come over the network, where each read costs a trip and the version is what the server says. */
  readonly remote?: boolean | undefined;
  readonly attribution?: string | undefined;
}

export interface SheetWindow extends SampleWindow {
  readonly file: string;
  /** Of the file's own first sample, where the window is only a part of the file. */
  readonly origin?: { readonly column: number; readonly row: number } | undefined;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface RasterSource {
  readonly info: RasterInfo;
  /** Samples of full resolution that are decoded together, where that is known: a tile, or whole strips. */
  readonly piece?: { readonly columns: number; readonly rows: number } | undefined;
  /**
   * Of a raster that can only be read from its first row on, such as one whose samples are packed in a single piece: all of
   * level 0 in order, whole rows at a time, as `read` would give them. `read` then refuses with `input-unsupported`.
   */
  readonly rows?: ((options?: ReadOptions) => AsyncGenerator<Float32Array>) | undefined;
  /**
   * Samples of one level, row-major, first row first as in the file, in the file's unit; NaN for void and for
   * everything outside the raster. The array is the caller's.
   */
  read(level: number, window: SampleWindow, options?: ReadOptions): Promise<Float32Array>;
  close(): Promise<void>;
}
