/** A file that is open only while it is read, or while nobody else needs its place in the pool. */
import { changedFile, isSameContent, stampOf } from './file-stamp.ts';
import type { FileOpener, Understanding } from './open-file.ts';
import type { RasterInfo, RasterSource } from './raster-source.ts';
import type { ScannedFile } from './sheet-table.ts';
import type { PooledSource, SourcePool } from './source-pool.ts';

/** Reads fail with `input-invalid` when the file is no longer the one that was looked at. */
export function openPooled(
  name: string,
  { info, files, stamp }: ScannedFile,
  how: Understanding,
  opener: FileOpener,
  pool: SourcePool,
): RasterSource {
  const pooled: PooledSource = {
    files,
    async open() {
      // At an address the hash is what the server says of the content; a file has its stamp.
      const source = await opener
        .open(name, how, stamp === undefined && info.version !== '')
        .catch((error: unknown) => {
          refuseChanged();
          throw error;
        });
      try {
        refuseChanged();
        if (stamp === undefined && source.info.version !== info.version) throw changedFile(name);
        if (placeOf(source.info) !== placeOf(info)) throw changedFile(name);
      } catch (error) {
        await source.close();
        throw error;
      }
      return source;
    },
  };
  return {
    info,
    read: (level, window, options) => pool.use(pooled, (source) => source.read(level, window, options)),
    close: () => pool.close(pooled),
  };

  function refuseChanged(): void {
    const now = stamp === undefined ? undefined : stampOf(name);
    if (stamp !== undefined && now !== undefined && !isSameContent(stamp, now)) throw changedFile(name);
  }
}

/** Where a raster's samples lie and what they are, as far as files beside it have a say. */
function placeOf({ affine, crs, levels, vertical }: RasterInfo): string {
  const { a, b, c, d, e, f } = affine;
  return JSON.stringify([a, b, c, d, e, f, crs, levels.map(({ columns, rows }) => [columns, rows]), vertical.datum]);
}
