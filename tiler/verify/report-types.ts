/**
 * What `relievo verify` finds out about a tileset, as one JSON object: the shape of `--json` and what the HTML report is
 * written from. Lengths in metres, places in degrees (WGS84), tiles by their path in the set.
 */

/** A fault hurts somebody's client; a note is unusual or wasteful, but every client draws the tile rightly. */
export type Severity = 'fault' | 'note';

export interface VerifyReport {
  /** Raised when a field changes its meaning or goes away; new fields do not raise it. */
  readonly format: 1;
  /** `relievo 0.1.0`. */
  readonly generator: string;
  /** Whether there is no fault; notes do not count. */
  readonly sound: boolean;
  readonly tileset: TilesetFacts;
  readonly sampled: SampledFacts;
  /** Undefined when no source was given. */
  readonly source: SourceFacts | undefined;
  /** Coarsest first. */
  readonly levels: readonly LevelReport[];
  /** Faults first, then notes; within each the kind with most occurrences first. Empty when all is well. */
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

export interface TilesetFacts {
  /** As typed: a folder, an archive or an address. */
  readonly place: string;
  readonly kind: 'folder' | 'url' | 'archive';
  readonly format: 'quantized-mesh' | '3dtiles';
  /** What layer.json calls it; undefined when it has no name. */
  readonly name: string | undefined;
  readonly attribution: string | undefined;
  readonly projection: 'EPSG:4326' | 'EPSG:3857';
  /** Order of rows in addresses: `tms` counts from the south, `slippyMap` from the north. */
  readonly rows: 'tms' | 'slippyMap';
  /** Degrees; west may be greater than east where the set crosses the date line. Undefined when layer.json has none. */
  readonly bounds: readonly [west: number, south: number, east: number, north: number] | undefined;
  readonly extensions: readonly string[];
  readonly maxLevel: number;
  /** First level with relief, as layer.json says; those before it are flat on purpose. 0 when it says nothing. */
  readonly firstRelief: number;
  readonly tiles: number;
  /** What the greatest error was allowed to be, as a share of the client's bound, where layer.json says so; else 1. */
  readonly maxErrorFactor: number;
}

export interface SampledFacts {
  /** Tiles opened at each level, at most; undefined when all were. */
  readonly perLevel: number | undefined;
  readonly seed: number;
  /** Tiles opened in all. */
  readonly tiles: number;
}

export interface SourceFacts {
  readonly names: readonly string[];
  /** What their heights were taken to be above, in a sentence. */
  readonly datum: string;
  /** The least level whose 64 cells a tile are at least as fine as the finest source. */
  readonly nativeLevel: number;
}

export interface LevelReport {
  readonly z: number;
  /** Tiles that exist (folder) or are advertised (address). */
  readonly tiles: number;
  /** Tiles opened; the four sums that follow are over these. */
  readonly opened: number;
  /** As stored or sent, and after gunzip. */
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly vertices: number;
  readonly triangles: number;
  /** Borders between tiles of the level that were compared, and those that differ. */
  readonly borders: number;
  readonly mismatches: number;
  /** Occurrences of faults at this level; notes are not counted. */
  readonly faults: number;
  /** Metres that clients take the surface of this level to be off. */
  readonly bound: number;
  /** Undefined without a source, or where the source has no sample under an opened tile of the level. */
  readonly error: LevelError | undefined;
}

/** The drawn surface (triangles flat in space) minus the full-resolution source, metres along the ellipsoid's normal. */
export interface LevelError {
  /** Tiles of the level that lie over the source, and those of them that were measured. */
  readonly tilesThere: number;
  readonly tilesMeasured: number;
  /** Source samples compared. */
  readonly samples: number;
  /** Of the absolute difference. */
  readonly max: number;
  readonly p99: number;
  readonly rms: number;
  /** With its sign: positive where drawn too high. */
  readonly mean: number;
  /** max / bound and p99 / bound. */
  readonly ratio: number;
  readonly ratioP99: number;
  /** Share of samples within the bound, 0..1. */
  readonly within: number;
  /** Counts of |difference| / bound; the last edge is missing, because the last bin has no end. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] };
  /** The tiles with the greatest differences, worst first, at most 10. */
  readonly worst: readonly WorstTile[];
  readonly shift: LevelShift;
  /** Where the errors are: the greatest ratio in each cell of a grid over the measured tiles. */
  readonly map: ErrorMap;
}

export interface WorstTile {
  readonly tile: string;
  /** Greatest absolute difference in the tile. */
  readonly error: number;
  readonly ratio: number;
  /** Where it is. */
  readonly lon: number;
  readonly lat: number;
}

/** The horizontal move of the surface by which it fits the source best; 0 and 0 when it lies right. */
export interface LevelShift {
  /** Metres on the ground by which the surface lies east and north of where it should. */
  readonly eastMetres: number;
  readonly northMetres: number;
  /** The same in steps (the coarser of the source's samples and a tile's 64 cells); multiples of 1/4 within -1/2..1/2. */
  readonly east: number;
  readonly north: number;
  readonly rmsLeast: number;
  readonly rmsUnmoved: number;
  /** Share of the source's variance that the surface explains; under 0.9 the shift is chance and `clear` is false. */
  readonly relief: number;
  readonly clear: boolean;
}

export interface ErrorMap {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  readonly columns: number;
  readonly rows: number;
  /** Row-major from the north-west; greatest |difference| / bound, null where nothing was measured. */
  readonly ratios: readonly (number | null)[];
}

/** All occurrences of one kind. */
export interface Finding {
  /** A word that stays the same: `sphere-open`, `border-heights-differ`, ... */
  readonly kind: string;
  readonly severity: Severity;
  /** What the kind means for whoever draws the tiles, in a sentence. */
  readonly meaning: string;
  readonly count: number;
  /** The worst first, at most 20. */
  readonly places: readonly FindingPlace[];
}

export interface FindingPlace {
  /** Undefined when it is about the set as a whole. */
  readonly tile: string | undefined;
  /** Degrees, the middle of the tile; undefined with `tile`. */
  readonly lon: number | undefined;
  readonly lat: number | undefined;
  /** A sentence with the figures. */
  readonly message: string;
}
