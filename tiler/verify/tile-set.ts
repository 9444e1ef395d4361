/** Tiles where they are: a folder, an address, or the memory of a test. What is read is left as it came. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RelievoError } from '../error.ts';
import type { LayerDocument } from './check-layer.ts';
import { type JudgedTile, tilePath } from './tiling.ts';
import { fillTemplate, openWebTiles } from './web-tiles.ts';

export interface TileSet {
  /** As the user named it. */
  readonly place: string;
  readonly kind: 'folder' | 'url';
  /** The text of layer.json; undefined when there is none. */
  readonly layerJson: string | undefined;
  /** All tiles that exist, in any order; undefined where nobody can list them. */
  list(document: LayerDocument): Promise<readonly JudgedTile[] | undefined>;
  /** Whether the template of layer.json leads to a tile that is there; true where that shows by itself. */
  follows(document: LayerDocument, id: JudgedTile): Promise<boolean>;
  /** A reader of stored bytes, gzipped or not, undefined when there is no such tile; fails when it cannot be told. */
  reader(document: LayerDocument): TileReader;
}

export type TileReader = (id: JudgedTile, signal?: AbortSignal) => Promise<Uint8Array | undefined>;

/** Opens a folder or an http(s) address, of the set or of its layer.json; refuses what is not there. */
export async function openTileSet(place: string, signal?: AbortSignal): Promise<TileSet> {
  if (/^https?:\/\//i.test(place)) return openWebTiles(place, signal);
  if (isAddress(place)) {
    const message = 'Only http and https addresses and folders are read.';
    throw new RelievoError('input-unsupported', message, { where: place });
  }
  return openTileFolder(place);
}

/** Of any scheme, also of those that are not read. */
export function isAddress(place: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(place);
}

async function openTileFolder(place: string): Promise<TileSet> {
  const folder = place.replace(/[/\\]layer\.json$/, '');
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    const what = found ? 'is a file' : 'is not there';
    const message = `The tileset ${what}; expected a folder with layer.json and tiles z/x/y.terrain, or an address.`;
    throw new RelievoError('input-missing', message, { where: place });
  }
  const layerJson = await readFile(join(folder, 'layer.json'), 'utf8').catch(() => undefined);
  return {
    place,
    kind: 'folder',
    layerJson,
    list,
    follows: async (document, id) => {
      const path = pathByTemplate(document, id);
      return (
        path === undefined ||
        stat(join(folder, path)).then(
          () => true,
          () => false,
        )
      );
    },
    reader: ({ tiling }) => {
      return async (id) => {
        try {
          return await readFile(join(folder, tilePath(id, tiling)));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
          throw error;
        }
      };
    },
  };

  /** Files whose path is no tile address are left out. */
  async function list({ tiling }: LayerDocument): Promise<readonly JudgedTile[]> {
    const tiles: JudgedTile[] = [];
    for (const z of await numbered(folder, /^\d{1,2}$/)) {
      for (const x of await numbered(join(folder, String(z)), /^\d+$/)) {
        for (const row of await numbered(join(folder, String(z), String(x)), /^\d+\.terrain$/)) {
          tiles.push({ z, x, y: tiling.fileRow(z, row) });
        }
      }
    }
    return tiles;
  }
}

/** A set in memory; keys are paths `z/x/y.terrain` with y as in the file's name. */
export function tilesInMemory(files: ReadonlyMap<string, Uint8Array>, layerJson?: string): TileSet {
  return {
    place: 'memory',
    kind: 'folder',
    layerJson,
    async list({ tiling }) {
      return [...files.keys()].map((path) => {
        const [z, x, row] = path.split(/[/.]/).map(Number);
        return { z, x, y: tiling.fileRow(z, row) };
      });
    },
    follows: async (document, id) => {
      const path = pathByTemplate(document, id);
      return path === undefined || files.has(path);
    },
    reader: ({ tiling }) => {
      return async (id) => files.get(tilePath(id, tiling));
    },
  };
}

/** Where the first template leads inside a folder; undefined when it is an address of its own. */
function pathByTemplate(document: LayerDocument, id: JudgedTile): string | undefined {
  const [template] = document.templates;
  if (template === undefined || /^(\w+:|\/)/.test(template)) return undefined;
  return fillTemplate(template, document, id)
    .replace(/[?#].*$/, '')
    .replace(/^\.\//, '');
}

async function numbered(folder: string, pattern: RegExp): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  }
  return names.filter((name) => pattern.test(name)).map((name) => Number.parseInt(name, 10));
}
