/**
 * The metadata extension (id 4): a length and JSON whose `available` lists the descendants, first entry one level below the
 * tile, absolute x and y from the south. What it says must be what layer.json says of the same tiles.
 */
import { isObject, type LayerDocument, type Range } from './check-layer.ts';
import type { JudgedTile } from './tiling.ts';

/** What is wrong with it in a sentence; undefined when nothing is, or when layer.json says nothing to compare with. */
export function compareMetadata(payload: Uint8Array, id: JudgedTile, document: LayerDocument): string | undefined {
  const lists = readAvailable(payload);
  const { available, tiling } = document;
  if (lists === undefined || available === undefined) return undefined;
  const south = tiling.rows(id.z) - 1 - id.y;
  for (const [k, list] of lists.entries()) {
    const z = id.z + 1 + k;
    const side = 2 ** (k + 1);
    const below = {
      startX: id.x * side,
      endX: (id.x + 1) * side - 1,
      startY: south * side,
      endY: (south + 1) * side - 1,
    };
    const said = cut(list, below);
    const known = cut(available[z] ?? [], below);
    const common = said.flatMap((range) => cut(known, range));
    if (area(said) === area(known) && area(common) === area(known)) continue;
    return `of its descendants at level ${z} the metadata list ${area(said)}, layer.json ${area(known)}, both ${area(common)}`;
  }
  return undefined;
}

function readAvailable(payload: Uint8Array): Range[][] | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(payload.subarray(4)));
    if (!isObject(parsed) || !Array.isArray(parsed.available)) return undefined;
    return parsed.available.map((list: unknown) =>
      Array.isArray(list) ? list.filter(isObject) : [],
    ) as unknown as Range[][];
  } catch {
    return undefined;
  }
}

function cut(list: readonly Range[], to: Range): Range[] {
  return list
    .map((range) => ({
      startX: Math.max(range.startX, to.startX),
      startY: Math.max(range.startY, to.startY),
      endX: Math.min(range.endX, to.endX),
      endY: Math.min(range.endY, to.endY),
    }))
    .filter(({ startX, startY, endX, endY }) => startX <= endX && startY <= endY);
}

function area(list: readonly Range[]): number {
  return list.reduce((sum, r) => sum + (r.endX - r.startX + 1) * (r.endY - r.startY + 1), 0);
}
