/** Grids that a user names beside a sound raster, geoids and datum shifts, with one fault each, and broken overviews. */
import { ascii, long, short } from '../support/broken-tiff.ts';
import type { Fault } from './tiff-faults.ts';
import { deflateBomb, variedTiff } from './tiff-faults.ts';

const grid = (name: string, says: RegExp, option: string, file: string, make: () => Buffer): Fault => ({
  name,
  says,
  files: () => ({ 'x.tif': variedTiff(), [file]: make() }),
  beside: { [option]: file },
});

/** Two bands of floats, as PROJ's grids of offsets have them. */
const OFFSETS = {
  258: short(32, 32),
  277: short(2),
  339: short(3, 3),
  42112: ascii('<GDALMetadata><Item name="TYPE">HORIZONTAL_OFFSET</Item></GDALMetadata>'),
};

/** A GTX grid from 0 N, 0 E, a degree a step, of zeros; no more than a megabyte of them. */
function gtx(rows: number, columns: number): Buffer {
  const out = Buffer.alloc(40 + Math.min(4 * rows * columns, 2 ** 20));
  out.writeDoubleBE(1, 16);
  out.writeDoubleBE(1, 24);
  out.writeInt32BE(rows, 32);
  out.writeInt32BE(columns, 36);
  return out;
}

/** The header of an NTv2 file that says that so many grids follow, and one that is all zeros. */
function ntv2(grids: number): Buffer {
  const out = Buffer.alloc(352);
  out.write('NUM_OREC', 0, 'latin1');
  out.writeInt32LE(11, 8);
  out.writeInt32LE(grids, 40);
  out.write('SECONDS ', 56, 'latin1');
  return out;
}

export const GRID_FAULTS: readonly Fault[] = [
  grid('geoid grid of noise', /no geoid grid/, 'verticalDatum', 'x.bin', () => Buffer.alloc(400, 7)),
  grid('geoid grid of 2^31 - 1 nodes a side', /GTX/, 'verticalDatum', 'x.gtx', () => gtx(2 ** 31 - 1, 2 ** 31 - 1)),
  grid('geoid grid cut off', /GTX/, 'verticalDatum', 'x.gtx', () => gtx(100, 100).subarray(0, 300)),
  grid('geoid grid that ends before the data', /has no value at/, 'verticalDatum', 'x.gtx', () => gtx(2, 2)),
  grid('geoid picture whose header never ends', /geoid grid/, 'verticalDatum', 'x.pgm', () =>
    Buffer.from(`P5\n${'# '.repeat(50_000)}`),
  ),
  grid('geoid TIFF in a circle', /in a circle/, 'verticalDatum', 'g.tif', () => variedTiff({ next: { directory: 0 } })),
  grid('datum grid of noise', /no datum grid/, 'crsGrids', 'x.gsb', () => Buffer.alloc(400, 7)),
  grid('datum grid of ten thousand grids', /NTv2/, 'crsGrids', 'x.gsb', () => ntv2(10_000)),
  grid('datum grid of 2^31 - 1 grids', /NTv2/, 'crsGrids', 'x.gsb', () => ntv2(2 ** 31 - 1)),
  grid('datum TIFF in a circle', /in a circle/, 'crsGrids', 'g.tif', () => variedTiff({ next: { directory: 0 } })),
  grid('datum TIFF that holds a bomb', /more than|damaged|cannot be/, 'crsGrids', 'g.tif', () => {
    const data = deflateBomb();
    return variedTiff({ data, tags: { ...OFFSETS, 259: short(8), 279: long(data.length) } });
  }),
  grid('datum TIFF of 2^25 nodes in nothing', /nodes; expected|samples need/, 'crsGrids', 'g.tif', () =>
    variedTiff({ tags: { ...OFFSETS, 256: short(5792), 257: short(5792), 278: short(5792) } }),
  ),
  grid('datum TIFF without strips', /where its samples lie/, 'crsGrids', 'g.tif', () =>
    variedTiff({ tags: { ...OFFSETS, 273: undefined } }),
  ),
  {
    name: 'overviews in a circle',
    says: /in a circle/,
    files: () => ({ 'x.tif': variedTiff(), 'x.tif.ovr': variedTiff({ next: { directory: 0 } }) }),
  },
];
