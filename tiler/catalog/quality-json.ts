/**
 * `quality.json`, beside layer.json: what the makers of a tileset know of its errors, by level, for people and programs.
 * docs/quality.md explains it.
 */

/** Raised when a field changes its meaning or goes. */
export const QUALITY_SCHEMA = 1;

export interface QualityJson {
  readonly schema: typeof QUALITY_SCHEMA;
  readonly generator: string;
  readonly layer: {
    /** That of layer.json: a document with another one belongs to other tiles. */
    readonly version: string;
    readonly scheme: string;
    readonly extensions: readonly string[];
    /** Greatest error asked for, as a share of the client's bound. */
    readonly maxErrorFactor: number;
  };
  readonly source: { readonly name: string; readonly version: string };
  readonly units: { readonly error: 'metres'; readonly bytes: string };
  /** What the words stand for, in sentences. */
  readonly meaning: {
    readonly error: string;
    readonly bound: string;
    readonly maxError: string;
    readonly measured: string;
  };
  readonly sample: QualitySample;
  /** Whether every level is. */
  readonly certified: boolean;
  /** Greatest of the levels' maxError / bound; null where no level is certified. */
  readonly maxErrorRatio: number | null;
  readonly levels: readonly LevelQuality[];
}

/** Which samples of the sources the drawn surface was held against. */
export type QualitySample =
  | { readonly kind: 'none' }
  | { readonly kind: 'exact'; readonly how: string }
  | {
      readonly kind: 'sample';
      readonly how: string;
      readonly seed: number;
      readonly windows: number;
      /** Samples along a side of a window. */
      readonly windowSide: number;
    };

export interface LevelQuality {
  readonly level: number;
  readonly tiles: number;
  /** As they are stored. */
  readonly bytes: number;
  readonly triangles: number;
  /** The error that clients assume of the level. */
  readonly bound: number;
  readonly certified: boolean;
  /** Upper bound of the error of all full-resolution samples; null where it is not certified. */
  readonly maxError: number | null;
  readonly maxErrorRatio: number | null;
  /** Undefined where nothing was measured, or no sample of a source lies under the level's tiles. */
  readonly measured?: MeasuredQuality | undefined;
}

export interface MeasuredQuality {
  /** Tiles with samples, and how many of these. */
  readonly tiles: number;
  readonly samples: number;
  readonly p99: number;
  readonly rms: number;
  /** Drawn minus source: above 0 where the surface lies too high. */
  readonly mean: number;
  /** The true maximum, where all samples were measured. */
  readonly max?: number | undefined;
}
