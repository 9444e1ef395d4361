/** Tiles as the judge finds them: a folder of `z/x/y.terrain` files with TMS rows, or tiles held in memory by a test. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type JudgedTile, tilePath } from './fault.ts';

export interface TileSet {
  /** All tiles that exist, by level, row from the north, column. */
  readonly tiles: readonly JudgedTile[];
  /** The text of layer.json; undefined when there is none. */
  readonly layerJson: string | undefined;
  /** Stored bytes, gzipped or not; undefined when there is no such tile. */
  read(id: JudgedTile): Uint8Array | undefined;
}

/** The set in a folder. Files whose path is no tile address are left out. */
export function openTileFolder(folder: string): TileSet {
  const tiles: JudgedTile[] = [];
  for (const z of numbered(folder, /^\d+$/)) {
    for (const x of numbered(join(folder, String(z)), /^\d+$/)) {
      for (const y of numbered(join(folder, String(z), String(x)), /^\d+\.terrain$/)) {
        tiles.push({ z, x, y: 2 ** z - 1 - y });
      }
    }
  }
  return { tiles: sortTiles(tiles), layerJson: textOf(join(folder, 'layer.json')), read };

  function read(id: JudgedTile): Uint8Array | undefined {
    try {
      return readFileSync(join(folder, tilePath(id)));
    } catch {
      return undefined;
    }
  }
}

/** A set in memory; keys are paths `z/x/y.terrain` with y from the south. */
export function tilesInMemory(files: ReadonlyMap<string, Uint8Array>, layerJson?: string): TileSet {
  const tiles = [...files.keys()].map((path) => {
    const [z, x, y] = path.split(/[/.]/).map(Number);
    return { z, x, y: 2 ** z - 1 - y };
  });
  return { tiles: sortTiles(tiles), layerJson, read: (id) => files.get(tilePath(id)) };
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

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
