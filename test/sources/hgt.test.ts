import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { openHgt } from '../../tiler/sources/hgt.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { gdalSamples, HAS_GDAL } from '../support/gdal.ts';
import { describeWithData, REPOSITORY } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

const WEST = join(REPOSITORY, 'data/maui/N20W157.hgt.zip');
const EAST = join(REPOSITORY, 'data/maui/N20W156.hgt.zip');
const COLUMNS = 3601;

let folder = '';
const opened: RasterSource[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relievo-hgt-'));
});
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function openNamed(name: string, bytes: Uint8Array): Promise<RasterSource> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const source = await openHgt(path);
  opened.push(source);
  return source;
}

/** 1201 x 1201: the column in the first row, -32768 at (5, 1), else row minus 600. */
function sheet(columns = 1201, rows = 1201): Buffer {
  const bytes = Buffer.alloc(columns * rows * 2);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at += 2) {
      bytes.writeInt16BE(row === 1 && column === 5 ? -32768 : row === 0 ? column : row - 600, at);
    }
  }
  return bytes;
}

const refusal = (text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code: 'input-invalid', message: expect.stringMatching(text) });

describeRasterSource('SRTM in a zip', () => openHgt(EAST));

describe('openHgt', () => {
  it('puts samples on the degree lines, from the north', async () => {
    const source = await openNamed('S34E018.hgt', sheet());
    expect(source.info.levels).toEqual([{ columns: 1201, rows: 1201, scaleX: 1, scaleY: 1 }]);
    expect(applyAffine(source.info.affine, 0, 0)).toEqual([18, -33]);
    const [east, south] = applyAffine(source.info.affine, 1200, 1200);
    expect(east).toBeCloseTo(19, 12);
    expect(south).toBeCloseTo(-34, 12);
    expect([...(await source.read(0, { column: 3, row: 0, columns: 4, rows: 2 }))]).toEqual([
      3,
      4,
      5,
      6,
      -599,
      -599,
      Number.NaN,
      -599,
    ]);
    expect(source.info.vertical).toMatchObject({ datum: 'egm96', known: 'format', unitMetres: 1 });
  });

  it('knows the spacing by the size, also 2 by 1 arc-seconds', async () => {
    const { info } = await openNamed('N61E010.hgt', sheet(1801, 3601));
    expect(info.levels[0]).toMatchObject({ columns: 1801, rows: 3601 });
    expect(info.affine.a).toBe(1 / 1800);
    expect(info.affine.e).toBe(-1 / 3600);
  });

  it('reads gzip, and names with more around them', async () => {
    const source = await openNamed('n45w007.SRTMGL3.hgt.gz', gzipSync(sheet()));
    expect(source.info.affine).toMatchObject({ c: -7, f: 46 });
    expect([...(await source.read(0, { column: 0, row: 0, columns: 3, rows: 1 }))]).toEqual([0, 1, 2]);
    const copy = join(folder, 'N20W156.SRTMGL1.hgt.zip');
    await copyFile(EAST, copy);
    opened.push(await openHgt(copy));
    expect(opened.at(-1)?.info.affine).toMatchObject({ c: -156, f: 21 });
  });

  it('lets the user say otherwise about heights', async () => {
    const path = join(folder, 'N10E010.hgt');
    await writeFile(path, sheet());
    const source = await openHgt(path, { vertical: { datum: 'ellipsoid', unit: 'foot' } });
    opened.push(source);
    expect(source.info.vertical).toMatchObject({
      datum: 'ellipsoid',
      known: 'option',
      unitMetres: 0.3048,
      unit: 'foot',
    });
    await expect(openHgt(path, { vertical: { unit: 'ell' } })).rejects.toMatchObject({ code: 'usage' });
  });

  it('refuses what is no sheet, in a sentence', async () => {
    const good = sheet();
    await expect(openNamed('N45E007.hgt', good.subarray(0, 1000))).rejects.toEqual(
      refusal(/has 1000 bytes; expected 2884802 \(1201 x 1201\)/),
    );
    await expect(openNamed('alps.hgt', good)).rejects.toEqual(refusal(/its name does not say which degree/));
    await expect(openNamed('N95E007.hgt', good)).rejects.toEqual(refusal(/its name does not say which degree/));
    await expect(openNamed('N45E007.hgt.zip', Buffer.from('PK\x03\x04 and no more'))).rejects.toEqual(
      refusal(/not a sound zip/),
    );
    const emptyZip = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);
    await expect(
      openNamed('N45E008.hgt.zip', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), emptyZip])),
    ).rejects.toEqual(refusal(/holds no .hgt file/));
  });

  it('refuses a damaged zip when it is read', async () => {
    const bytes = await readFile(EAST);
    bytes.fill(0x55, 500_000, 500_100);
    const source = await openNamed('N20W156.hgt.zip', bytes);
    await expect(source.read(0, { column: 0, row: 0, columns: 1, rows: 1 })).rejects.toEqual(refusal(/is damaged/));
  });

  it('joins: the east edge of one sheet is the west edge of the next', async () => {
    opened.push(await openHgt(WEST), await openHgt(EAST));
    const [west, east] = opened;
    const edge = await west?.read(0, { column: COLUMNS - 1, row: 0, columns: 1, rows: COLUMNS });
    const next = await east?.read(0, { column: 0, row: 0, columns: 1, rows: COLUMNS });
    expect(edge).toEqual(next);
    expect(edge?.filter((height) => height > 0).length).toBeGreaterThan(100);
  });
});

describeWithData(
  'SRTM sheets against GDAL',
  ['hgt/N00E010.hgt', 'hgt/N49W121.hgt.zip', 'hgt/N42E001.hgt.zip'],
  (...paths) => {
    it.runIf(HAS_GDAL).each(paths.map((path) => [path.slice(path.lastIndexOf('/') + 1), path]))(
      '%s',
      async (name, path) => {
        const source = await openHgt(path);
        opened.push(source);
        const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
        const ours = await source.read(0, { column: 0, row: 0, columns, rows });
        const file = name.endsWith('.zip') ? `/vsizip/${path}/${name.slice(0, -4)}` : path;
        const theirs = Float32Array.from(gdalSamples(file), (v) => (v === -32768 ? Number.NaN : v));
        expect(Buffer.from(ours.buffer).equals(Buffer.from(theirs.buffer))).toBe(true);
      },
    );
  },
);
