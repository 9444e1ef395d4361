/** Picture tiles in folders, `z/x/y.png`, beside a TileJSON or metadata.json that may say how colours hold heights. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RelievoError } from '../error.ts';
import type { HeightTiles, TreeMetadata, ZoomRange } from './height-tiles.ts';
import { MAX_TILE_BYTES, MAX_TREE_ZOOM, readTreeMetadata, refuseFormat } from './height-tiles.ts';
import { isRemoteName } from './source-name.ts';

/** Names under which tools leave what they know of the tiles; the first that is there counts. */
const METADATA = ['tiles.json', 'tile.json', 'tilejson.json', 'metadata.json'] as const;
const MAX_METADATA_BYTES = 2 ** 22;
const NUMBER = /^(0|[1-9]\d{0,7})$/;

/** Whether a folder holds `z/x/y` tiles of pictures. False for files, addresses and folders of anything else. */
export async function looksLikeTileTree(path: string): Promise<boolean> {
  if (isRemoteName(path)) return false;
  for (const z of (await numbersIn(path)).slice(0, MAX_TREE_ZOOM + 1)) {
    for (const x of (await numbersIn(join(path, `${z}`))).slice(0, 4)) {
      const files = await readdir(join(path, `${z}`, `${x}`)).catch((): string[] => []);
      if (files.some((file) => /^\d+\.(png|webp|jpe?g)$/i.test(file))) return true;
    }
  }
  return false;
}

/** Opens a folder. Refuses with `input-unsupported` tiles of other formats, with `input-invalid` a folder without tiles. */
export async function openTileFolder(path: string): Promise<HeightTiles> {
  const metadata = await readMetadata(path);
  const zooms: ZoomRange[] = [];
  let other: string | undefined;
  for (const z of await numbersIn(path)) {
    if (z > MAX_TREE_ZOOM) continue;
    const side = 2 ** z;
    let range: ZoomRange | undefined;
    for (const x of await numbersIn(join(path, `${z}`))) {
      if (x >= side) continue;
      for (const file of await readdir(join(path, `${z}`, `${x}`)).catch((): string[] => [])) {
        const [, number = '', ending = ''] = /^(0|[1-9]\d{0,7})\.([a-z]+)$/i.exec(file) ?? [];
        const row = Number(number);
        if (number === '' || row >= side) continue;
        if (ending !== 'png') {
          other ??= ending.toLowerCase().replace('jpeg', 'jpg');
          continue;
        }
        const y = metadata.tms ? side - 1 - row : row;
        range = range
          ? { z, x0: range.x0, y0: Math.min(range.y0, y), x1: x, y1: Math.max(range.y1, y) }
          : { z, x0: x, y0: y, x1: x, y1: y };
      }
    }
    if (range) zooms.push(range);
  }
  if (zooms.length === 0 && other !== undefined) refuseFormat(path, other);
  if (zooms.length === 0) {
    throw new RelievoError('input-invalid', `${path} is a folder without tiles; expected z/x/y.png below it.`, {
      where: path,
    });
  }
  return {
    path,
    name: basename(path),
    format: 'XYZ tiles',
    zooms,
    encoding: metadata.encoding,
    attribution: metadata.attribution,
    async read(z, x, y) {
      const row = metadata.tms ? 2 ** z - 1 - y : y;
      const file = join(path, `${z}`, `${x}`, `${row}.png`);
      const size = await stat(file).then(
        (found) => found.size,
        () => undefined,
      );
      if (size === undefined) return undefined;
      if (size <= MAX_TILE_BYTES) return readFile(file) as Promise<Buffer<ArrayBuffer>>;
      throw new RelievoError('input-invalid', `${file} has ${size} bytes; a tile has at most ${MAX_TILE_BYTES}.`, {
        where: file,
      });
    },
    close: async () => {},
  };
}

/** Hash of the tiles' addresses and bytes, and of what is said of them, hexadecimal. */
export async function hashTileFolder(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const { encoding, tms } = await readMetadata(path);
  hash.update(JSON.stringify([encoding ?? '', tms]));
  for (const z of await numbersIn(path)) {
    for (const x of await numbersIn(join(path, `${z}`))) {
      const files = await readdir(join(path, `${z}`, `${x}`)).catch((): string[] => []);
      for (const file of files.filter((one) => /^\d+\.png$/.test(one)).sort()) {
        signal?.throwIfAborted();
        const bytes = await readFile(join(path, `${z}`, `${x}`, file));
        hash.update(`${z}/${x}/${file} ${bytes.length}\n`).update(bytes);
      }
    }
  }
  return hash.digest('hex').slice(0, 32);
}

async function readMetadata(path: string): Promise<TreeMetadata> {
  for (const name of METADATA) {
    const file = join(path, name);
    const size = await stat(file).then(
      (found) => (found.isFile() ? found.size : undefined),
      () => undefined,
    );
    if (size === undefined) continue;
    try {
      if (size > MAX_METADATA_BYTES) throw new Error(`it has ${size} bytes`);
      const values: unknown = JSON.parse(await readFile(file, 'utf8'));
      if (typeof values === 'object' && values !== null) return readTreeMetadata({ ...values });
      throw new Error('it is no object');
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new RelievoError('input-invalid', `${file} cannot be read as JSON (${what}); correct or remove it.`, {
        where: file,
        cause,
      });
    }
  }
  return readTreeMetadata({});
}

/** Names in a folder that are whole numbers, ascending. */
async function numbersIn(path: string): Promise<number[]> {
  const names = await readdir(path).catch((): string[] => []);
  return names
    .filter((name) => NUMBER.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
