/** What of a tileset is exported, found before anything large is read: the tiles of a box at a level or within an error. */
import { RelievoError } from '../error.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { Piece } from './piece.ts';

/** At most one of them. */
export interface Detail {
  /** Of the tiling scheme, or tiles with content on the way from the root. */
  readonly level?: number | undefined;
  /** Metres that the tileset may say of the tiles; of Relievo's own, those of the terrain. */
  readonly maxError?: number | undefined;
}

export interface ExportPlan {
  readonly kind: 'quantized-mesh' | '3d-tiles';
  /** Least and greatest level of the tiles. */
  readonly levels: readonly [number, number];
  /** The greatest error in metres that the tileset states of these tiles; undefined where it states none. */
  readonly errorMetres: number | undefined;
  readonly tiles: number;
  /** What is said of the skirts, in a sentence. */
  readonly skirts: () => string;
  /** Names of those who made the data, without repetition. */
  readonly attribution: () => readonly string[];
  /** What the user should know of the result, in sentences. */
  readonly warnings: () => readonly string[];
  /** The pieces of each tile, in an order of its own; in any number at a time. */
  readonly parts: readonly ((signal: AbortSignal) => Promise<readonly Piece[]>)[];
}

/** Without `--level` and `--max-error`, the finest level with at most so many tiles. */
export const USUAL_TILES = 256;
/** Whatever was asked for. */
export const MOST_TILES = 4096;

export function tooManyTiles(shown: string): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `The box has more than ${MOST_TILES} tiles there: give smaller --bounds, a coarser --level, or a larger --max-error.`,
    { where: shown },
  );
}

/** `notes`: what went missing on the way, in sentences. */
export function nothingThere(
  shown: string,
  { west, south, east, north }: LonLatBox,
  notes: readonly string[],
): RelievoError {
  const box = [west, south, east > 180 ? east - 360 : east, north].join(',');
  const why = notes.length > 0 ? notes.join('; ') : 'give a box that it covers';
  return new RelievoError('input-invalid', `The tileset has no surface within --bounds ${box}: ${why}.`, {
    where: shown,
  });
}
