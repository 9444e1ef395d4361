/** Datum grids that the user names (`--crs-grids`): NTv2 or GeoTIFF in the layout of PROJ, told apart by their content. */
import { RelievoError } from '../error.ts';
import type { DatumGrid } from '../geo/datum-grid.ts';
import { hashFile, openByteFile } from './byte-file.ts';
import { readGeoTiffGrid } from './geotiff-datum-grid.ts';
import { looksLikeNtv2, readNtv2 } from './ntv2.ts';
import { looksLikeTiff } from './tiff-tags.ts';

/** Grids are read as a whole; the largest that PROJ offers has 70 MB. */
const MAX_BYTES = 2 ** 29;

/** Reads the grids in the order given. Refuses missing, broken and other files with a sentence each. */
export function readDatumGrids(paths: readonly string[], signal?: AbortSignal): Promise<DatumGrid[]> {
  return Promise.all(paths.map((path) => readDatumGrid(path, signal)));
}

async function readDatumGrid(path: string, signal: AbortSignal | undefined): Promise<DatumGrid> {
  const file = await openByteFile(path);
  try {
    if (file.size > MAX_BYTES) {
      throw new RelievoError(
        'input-unsupported',
        `${path} has ${file.size} bytes; a datum grid has at most ${MAX_BYTES}.`,
        { where: path },
      );
    }
    const start = await file.read(0, Math.min(256, file.size));
    const version = await hashFile(path, signal);
    if (looksLikeTiff(start)) return await readGeoTiffGrid(file, version);
    if (looksLikeNtv2(start)) return readNtv2(await file.read(0, file.size), file.name, version);
    throw new RelievoError(
      'input-unsupported',
      `${path} is no datum grid that Relievo reads; expected NTv2 (.gsb) or a GeoTIFF with horizontal offsets in the layout of PROJ (cdn.proj.org).`,
      { where: path },
    );
  } finally {
    await file.close();
  }
}
