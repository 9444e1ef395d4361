/** All ways to break 3D Tiles. */
import { BREAK_CONTENTS, BREAK_PROFILE } from './break-3d-contents.ts';
import { BREAK_SUBTREES, BREAK_TILESET } from './break-3d-set.ts';
import type { Breakage3d } from './breakage-3d.ts';

export const BREAKAGES_3D: readonly Breakage3d[] = [
  ...BREAK_TILESET,
  ...BREAK_SUBTREES,
  ...BREAK_CONTENTS,
  ...BREAK_PROFILE,
];
