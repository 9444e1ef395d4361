/** Which tiles there are, level by level: one number a tile, sorted, so that millions fit into memory. */
import { inGrid, type JudgedTile, type Tiling } from './tiling.ts';

export class TileIndex {
  private readonly tiling: Tiling;
  private readonly levels: readonly Float64Array[];
  /** Addresses that their level does not have. */
  readonly outside: readonly JudgedTile[];

  /** Takes every tile once, however often it is named. */
  constructor(tiling: Tiling, tiles: Iterable<JudgedTile>) {
    this.tiling = tiling;
    const levels: number[][] = [];
    const outside: JudgedTile[] = [];
    for (const id of tiles) {
      if (!inGrid(id, tiling)) {
        outside.push(id);
        continue;
      }
      while (levels.length <= id.z) levels.push([]);
      levels[id.z].push(this.keyOf(id));
    }
    this.outside = outside;
    this.levels = levels.map((keys) => withoutRepeats(Float64Array.from(keys).sort()));
  }

  /** Levels from 0 to the deepest that has a tile. */
  get depth(): number {
    return this.levels.length;
  }

  count(z: number): number {
    return this.levels[z]?.length ?? 0;
  }

  /** Row by row from the north, each from the west. */
  at(z: number, i: number): JudgedTile {
    const columns = this.tiling.columns(z);
    const key = this.levels[z][i];
    const y = Math.floor(key / columns);
    return { z, x: key - y * columns, y };
  }

  *tiles(z: number): Generator<JudgedTile> {
    for (let i = 0; i < this.count(z); i++) yield this.at(z, i);
  }

  has(id: JudgedTile): boolean {
    const keys = this.levels[id.z];
    if (keys === undefined) return false;
    const key = this.keyOf(id);
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return keys[low] === key;
  }

  private keyOf({ z, x, y }: JudgedTile): number {
    return y * this.tiling.columns(z) + x;
  }
}

function withoutRepeats(sorted: Float64Array): Float64Array {
  return sorted.filter((key, i) => i === 0 || key !== sorted[i - 1]);
}
