/**
 * Keeps tiles made on demand for the next start: CACHE/<layer version>/z/x/y.terrain, gzipped, rows from the south. The
 * version names sources, options and encoder, so nothing in it goes stale. An entry that is not whole is made again; a
 * cache that cannot be written costs speed and never an answer.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { flipRow, type TileId, type TilingScheme } from '../geo/tiling-scheme.ts';

const gunzipAsync = promisify(gunzip);

export interface TileCacheFolder {
  /** The kept tile; undefined when there is none that is whole. */
  read(id: TileId): Promise<Uint8Array | undefined>;
  write(id: TileId, tile: Uint8Array): Promise<void>;
}

/** `onFault` hears the first time that the folder cannot be written. */
export function openTileCacheFolder(
  folder: string,
  scheme: TilingScheme,
  onFault: (error: Error) => void,
): TileCacheFolder {
  let faulty = false;
  let serial = 0;
  const pathOf = ({ z, x, y }: TileId) => join(folder, String(z), String(x), `${flipRow(scheme, z, y)}.terrain`);
  return { read, write };

  async function read(id: TileId): Promise<Uint8Array | undefined> {
    const path = pathOf(id);
    const tile = await readFile(path).catch(() => undefined);
    if (!tile) return undefined;
    // gzip ends in a checksum of what it holds: unpacking proves the entry.
    const whole = await gunzipAsync(tile).then(
      () => true,
      () => false,
    );
    if (whole) return tile;
    await rm(path, { force: true });
    return undefined;
  }

  async function write(id: TileId, tile: Uint8Array): Promise<void> {
    const path = pathOf(id);
    const temporary = `${path}.${process.pid}-${serial++}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, tile);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      if (!faulty) onFault(error as Error);
      faulty = true;
    }
  }
}
