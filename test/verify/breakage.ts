/** One way to break a sound tileset, and what must be found in it: all of that and nothing else. */
import type { FaultCode } from '../../tiler/verify/fault.ts';
import type { TilesetCopy } from './tileset-copy.ts';

export interface Breakage {
  readonly name: string;
  readonly spoil: (set: TilesetCopy) => void;
  /** The kind of fault by which verify must name it. */
  readonly kind: FaultCode;
  /** Where, by kind: that kind first, then what follows from it. */
  readonly faults: Readonly<Partial<Record<FaultCode, Where>>>;
  /** What may be named besides, in the tiles that are broken or at their borders, as the fixture falls out. */
  readonly mayFollow: readonly FaultCode[];
}

/** Paths of tiles; `set` for what has no tile, `every tile` for all that the broken set has, `many tiles` for ten or more. */
export type Where = readonly string[] | 'set' | 'every tile' | 'many tiles';

/*
 * Maui to level 8: four tiles at each level from 1, eight at the last. The slopes of Haleakala fill the tile that is
 * broken; it has neighbours on three sides. A border is reported at its western or northern tile.
 */
export const TILE = '8/33/157.terrain';
export const WEST = '8/32/157.terrain';
export const EAST = '8/34/157.terrain';
export const SOUTH = '8/33/156.terrain';
export const PARENT = '7/16/78.terrain';

/** The first kind named is the one that matters; the others follow from it. */
export function breakage(
  name: string,
  spoil: (set: TilesetCopy) => void,
  faults: Readonly<Partial<Record<FaultCode, Where>>>,
  mayFollow: readonly FaultCode[] = [],
): Breakage {
  const [kind] = Object.keys(faults) as FaultCode[];
  if (kind === undefined) throw new Error(`${name}: no fault is expected`);
  return { name, spoil, kind, faults, mayFollow };
}
