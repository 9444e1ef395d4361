/** All tiles of a folder of `z/x/y.terrain` files with TMS rows, for tests that open them one by one. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type JudgedTile, tilePath } from '../../tiler/verify/tiling.ts';

export interface TileFolder {
  /** All tiles that exist, by level, row from the north, column. */
  readonly tiles: readonly JudgedTile[];
  /** Stored bytes, gzipped or not; undefined when there is no such tile. */
  read(id: JudgedTile): Uint8Array | undefined;
}

/** The set in a folder. Files whose path is no tile address are left out. */
export function openTileFolder(folder: string): TileFolder {
  const tiles: JudgedTile[] = [];
  for (const z of numbered(folder, /^\d+$/)) {
    for (const x of numbered(join(folder, String(z)), /^\d+$/)) {
      for (const y of numbered(join(folder, String(z), String(x)), /^\d+\.terrain$/)) {
        tiles.push({ z, x, y: 2 ** z - 1 - y });
      }
    }
  }
  return { tiles: sortTiles(tiles), read };

  function read(id: JudgedTile): Uint8Array | undefined {
    try {
      return readFileSync(join(folder, tilePath(id)));
    } catch {
      return undefined;
    }
  }
}

function sortTiles(tiles: JudgedTile[]): JudgedTile[] {
  return tiles.sort((a, b) => a.z - b.z || a.y - b.y || a.x - b.x);
}

function numbered(folder: string, pattern: RegExp): number[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => Number.parseInt(name, 10));
}
