/** More than a hundred ways to break a tileset, each with the faults by which `relievo verify` must name it. */
import { BREAK_CODING, BREAK_HEADER, BREAK_PACKING } from './break-bytes.ts';
import { BREAK_MASKS, BREAK_METADATA } from './break-extensions.ts';
import { BREAK_BORDERS, BREAK_EDGES, BREAK_EXTENSIONS, BREAK_TRIANGLES } from './break-mesh.ts';
import { BREAK_AVAILABLE, BREAK_LAYER, BREAK_TREE } from './break-set.ts';
import type { Breakage } from './breakage.ts';

export const BREAKAGES: readonly Breakage[] = [
  ...BREAK_PACKING,
  ...BREAK_HEADER,
  ...BREAK_CODING,
  ...BREAK_EDGES,
  ...BREAK_TRIANGLES,
  ...BREAK_BORDERS,
  ...BREAK_EXTENSIONS,
  ...BREAK_MASKS,
  ...BREAK_METADATA,
  ...BREAK_LAYER,
  ...BREAK_AVAILABLE,
  ...BREAK_TREE,
];
