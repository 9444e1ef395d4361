import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openFiles } from '../../tiler/sources/open-file.ts';
import { openSources } from '../../tiler/sources/open-source.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { VrtFiles } from '../../tiler/sources/vrt-files.ts';
import { gdalSamples, HAS_GDAL } from '../support/gdal.ts';
import type { HostileOpener } from '../support/hostile.ts';
import { hostileOpener } from '../support/hostile.ts';
import { startRangeServer } from '../support/range-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testData } from '../support/test-data.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';
import { describeRasterSource } from './conformance.ts';

const opened: RasterSource[] = [];
const open = async (path: string, allow: readonly string[] = []) => {
  const found = await (await openFiles(1, { hash: false, allow })).open(path);
  opened.push(found);
  return found;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function whole(source: RasterSource): Promise<Float32Array> {
  const { columns = 0, rows = 0 } = source.info.levels[0] ?? {};
  return source.read(0, { column: 0, row: 0, columns, rows });
}

/** Samples that differ from GDAL's reading, and how many were compared that are no voids. */
async function compare(path: string): Promise<{ differing: number; compared: number }> {
  const source = await open(path);
  const ours = await whole(source);
  const { nodata } = source.info;
  await source.close();
  const theirs = gdalSamples(path).map(Math.fround);
  let [differing, compared] = [0, 0];
  for (const [i, height] of ours.entries()) {
    const expected = theirs[i] === nodata ? Number.NaN : theirs[i];
    if (!Number.isNaN(height)) compared++;
    if (!Object.is(height, expected) && height !== expected) differing++;
  }
  return { differing, compared };
}

const KOREA = ['korea5186_34707051.tif', 'korea5186_34707052.tif', 'korea5186_34707053.tif'];
const OREGON = ['oregon_4269_w123.tif', 'oregon_4269_w124.tif'];
const CASES: readonly (readonly [name: string, files: readonly string[], args: readonly string[]])[] = [
  ['sheets that overlap', KOREA, []],
  ['sheets in the other order', KOREA.toReversed(), []],
  ['a cut, finer than its files', KOREA, ['-te', '246003', '223001', '251000', '225600', '-tr', '3', '4']],
  ['a cut on samples of its own', KOREA, ['-te', '246003', '223001', '251000', '225600']],
  ['a cut, coarser than its files', KOREA, ['-tr', '17', '13']],
  ['sheets in degrees', OREGON, []],
  [
    'the coarser of two resolutions',
    ['ethiopia_4326_int16_cog.tif', 'texas_4326_int16_tile16.tif'],
    ['-resolution', 'lowest'],
  ],
  [
    'a value of missing samples for the file, and one of its own',
    ['ethiopia_4326_int16_cog.tif'],
    ['-srcnodata', '-9999', '-vrtnodata', '-5'],
  ],
  ['metres of Antarctica', ['antarctica_3031_2km_float32.tif'], ['-resolution', 'user', '-tr', '3000', '2500']],
];
const TRANSLATED: readonly (readonly [name: string, file: string, args: readonly string[]])[] = [
  ['a part of a file', 'swiss_lv95_float32_cog.tif', ['-srcwin', '10', '20', '300', '200']],
  [
    'a part that begins between samples, drawn larger',
    'gabon_utm32_int16.tif',
    ['-srcwin', '10.4', '20.7', '300', '200', '-outsize', '450', '380'],
  ],
  ['a file drawn smaller', 'gabon_utm32_int16.tif', ['-outsize', '40%', '40%']],
  [
    'heights turned into others',
    'texas_4326_int16_tile16.tif',
    ['-scale', '0', '1000', '10', '110', '-ot', 'Float32', '-a_nodata', 'none'],
  ],
];
const geotiff = (name: string) => testData(`geotiff/${name}`) ?? '';
const haveData = [...KOREA, ...OREGON, 'ethiopia_4326_int16_cog.tif', 'gabon_utm32_int16.tif'].every((name) =>
  geotiff(name),
);

describe.skipIf(!HAS_GDAL || !haveData)('a VRT, against what GDAL reads of it', () => {
  it.each(CASES)('%s', async (_, files, args) => {
    const folder = temporaryFolder();
    for (const name of files) copyFileSync(geotiff(name), join(folder, name));
    const path = join(folder, 'all.vrt');
    execFileSync('gdalbuildvrt', ['-q', ...args, path, ...files.map((name) => join(folder, name))]);
    const { differing, compared } = await compare(path);
    expect(compared).toBeGreaterThan(10);
    expect(differing).toBe(0);
  });

  it.each(TRANSLATED)('%s', async (_, name, args) => {
    const folder = temporaryFolder();
    copyFileSync(geotiff(name), join(folder, name));
    const path = join(folder, 'one.vrt');
    execFileSync('gdal_translate', ['-q', '-of', 'VRT', ...args, join(folder, name), path]);
    const { differing, compared } = await compare(path);
    expect(compared).toBeGreaterThan(1000);
    expect(differing).toBe(0);
  });

  it('a VRT of VRTs, and scale and offset of the band', async () => {
    const folder = temporaryFolder();
    const [name = ''] = OREGON;
    copyFileSync(geotiff(name), join(folder, name));
    execFileSync('gdal_translate', [
      '-q',
      '-of',
      'VRT',
      '-a_scale',
      '0.5',
      '-a_offset',
      '100',
      join(folder, name),
      join(folder, 'in.vrt'),
    ]);
    execFileSync('gdalbuildvrt', ['-q', join(folder, 'out.vrt'), join(folder, 'in.vrt')]);
    const [plain, inner, outer] = await Promise.all(
      [name, 'in.vrt', 'out.vrt'].map(async (one) => whole(await open(join(folder, one)))),
    );
    expect(inner?.[5000]).toBe(Math.fround((plain?.[5000] ?? 0) * 0.5 + 100));
    const stored = gdalSamples(join(folder, 'out.vrt'));
    const scaled = JSON.parse(execFileSync('gdalinfo', ['-json', join(folder, 'out.vrt')], { encoding: 'utf8' }))
      .bands[0];
    expect(outer?.[5000]).toBe(Math.fround((stored[5000] ?? 0) * (scaled.scale ?? 1) + (scaled.offset ?? 0)));
  });

  it('refuses a band for each file, a warped and a resampled one, each by its name', async () => {
    const folder = temporaryFolder();
    for (const name of KOREA) copyFileSync(geotiff(name), join(folder, name));
    const files = KOREA.map((name) => join(folder, name));
    execFileSync('gdalbuildvrt', ['-q', '-separate', join(folder, 'bands.vrt'), ...files]);
    execFileSync('gdalwarp', ['-q', '-of', 'VRT', '-t_srs', 'EPSG:4326', files[0] ?? '', join(folder, 'warped.vrt')]);
    execFileSync('gdalbuildvrt', ['-q', '-tr', '7', '7', '-r', 'cubic', join(folder, 'cubic.vrt'), ...files]);
    await expect(open(join(folder, 'bands.vrt'))).rejects.toThrow(/a band for each file/);
    await expect(open(join(folder, 'warped.vrt'))).rejects.toThrow(/is a VRTWarpedDataset/);
    await expect(open(join(folder, 'cubic.vrt'))).rejects.toThrow(/resamples .* by cubic/);
  });
});

const keys = { 1024: 2, 1025: 1, 2048: 4326 };
const tiff = (values: readonly number[], columns = 4, more: object = {}) =>
  tinyTiff({
    columns,
    rows: values.length / columns,
    bits: 16,
    format: 2,
    blocks: [bytesOf(Int16Array.from(values))],
    keys,
    tags: { 33550: [1, 1, 0], 33922: [0, 0, 0, 10, 50, 0], ...more },
  });
const TWELVE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const rect = (name: string, [x = 0, y = 0, w = 4, h = 3]: readonly number[]) =>
  `<${name} xOff="${x}" yOff="${y}" xSize="${w}" ySize="${h}"/>`;
const source = (file: string, from: readonly number[], to: readonly number[], more = '', kind = 'ComplexSource') =>
  `<${kind}><SourceFilename relativeToVRT="1">${file}</SourceFilename>${rect('SrcRect', from)}${rect('DstRect', to)}${more}</${kind}>`;
const vrt = (sources: string, { columns = 8, rows = 3, band = '', top = '' } = {}) =>
  `<VRTDataset rasterXSize="${columns}" rasterYSize="${rows}">${top || '<SRS>EPSG:4326</SRS><GeoTransform>10, 1, 0, 50, 0, -1</GeoTransform>'}
  <VRTRasterBand dataType="Int16" band="1">${band}${sources}</VRTRasterBand></VRTDataset>`;

const TWO = {
  'all.vrt': vrt(
    source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3]) + source('b/b.tif', [0, 0, 4, 3], [3, 0, 4, 3], '<NODATA>6</NODATA>'),
  ),
  'a.tif': tiff(TWELVE),
  'b/b.tif': tiff(TWELVE),
};
describeRasterSource('a VRT', () => {
  const folder = temporaryFolder(TWO);
  return open(join(folder, 'all.vrt'));
});

describe('openVrt', () => {
  it('lets later files cover earlier ones, but not with voids', async () => {
    const folder = temporaryFolder(TWO);
    const found = await open(join(folder, 'all.vrt'));
    expect(found.info).toMatchObject({
      format: 'VRT',
      name: 'all.vrt',
      affine: { a: 1, c: 10.5, e: -1, f: 49.5 },
      sheets: [
        { file: 'a.tif', column: 0, row: 0, columns: 4, rows: 3 },
        { file: 'b.tif', column: 3, row: 0, columns: 4, rows: 3 },
      ],
    });
    const V = Number.NaN;
    const rows = [1, 2, 3, 1, 2, 3, 4, V, 5, 6, 7, 5, V, 7, 8, V, 9, 10, 11, 9, 10, 11, 12, V];
    expect([...(await whole(found))]).toEqual(rows);
  });

  it('takes the value of missing samples of its band as void, also where a file covers with it', async () => {
    const two = source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3]).repeat(2);
    const folder = temporaryFolder({
      'x.vrt': vrt(two, { columns: 4, band: '<NoDataValue>7</NoDataValue>' }),
      'a.tif': tiff(TWELVE),
    });
    expect([...(await whole(await open(join(folder, 'x.vrt'))))]).toEqual(
      TWELVE.map((v) => (v === 7 ? Number.NaN : v)),
    );
  });

  it("takes scale and offset from the VRT and not from its files, and heights' reference from its first file", async () => {
    const scaled = tiff(TWELVE, 4, {
      42112: '<GDALMetadata><Item name="SCALE" sample="0" role="scale">10</Item></GDALMetadata>',
    });
    const plain = source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3]);
    const folder = temporaryFolder({
      'x.vrt': vrt(plain, { columns: 4, band: '<Scale>2</Scale><Offset>1</Offset><UnitType>ft</UnitType>' }),
      'a.tif': scaled,
    });
    const found = await open(join(folder, 'x.vrt'));
    expect([...(await whole(found))]).toEqual(TWELVE.map((v) => v * 2 + 1));
    expect(found.info.vertical).toMatchObject({ unit: 'foot', datum: 'egm96' });
    expect((await whole(await open(join(folder, 'a.tif'))))[0]).toBe(10);
  });

  it('has a version that tells each of its files, and not when they were written', async () => {
    const versions: string[] = [];
    for (const last of [12, 12, 13]) {
      const folder = temporaryFolder({ ...TWO, 'b/b.tif': tiff([...TWELVE.slice(0, 11), last]) });
      const [found] = await openSources([join(folder, 'all.vrt')]);
      versions.push(found?.info.version ?? '');
      await found?.close();
    }
    expect(versions[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(versions[1]).toBe(versions[0]);
    expect(versions[2]).not.toBe(versions[0]);
  });

  it('holds at most 128 of its files open', async () => {
    const folder = temporaryFolder();
    const count = 300;
    for (let i = 0; i < count; i++) writeFileSync(join(folder, `${i}.tif`), tiff(TWELVE));
    const sources = Array.from({ length: count }, (_, i) =>
      source(`${i}.tif`, [0, 0, 4, 3], [(i % 20) * 4, Math.floor(i / 20) * 3, 4, 3]),
    );
    writeFileSync(join(folder, 'x.vrt'), vrt(sources.join(''), { columns: 80, rows: 45 }));
    const found = await open(join(folder, 'x.vrt'));
    const reads = Array.from({ length: count }, (_, i) =>
      found.read(0, { column: (i % 20) * 4, row: Math.floor(i / 20) * 3, columns: 4, rows: 3 }),
    );
    let most = 0;
    for (const read of reads) {
      expect([...(await read)]).toEqual(TWELVE);
      most = Math.max(most, openBelow(folder));
    }
    expect(most).toBeLessThanOrEqual(128);
    await found.close();
    expect(openBelow(folder)).toBe(0);
  });

  it('holds at most as many open for several VRTs that share their files', async () => {
    const folder = temporaryFolder();
    const count = 60;
    const sources = Array.from({ length: count }, (_, i) => source(`${i}.tif`, [0, 0, 4, 3], [i * 4, 0, 4, 3]));
    for (let i = 0; i < count; i++) writeFileSync(join(folder, `${i}.tif`), tiff(TWELVE));
    for (const name of ['a', 'b', 'c']) {
      writeFileSync(join(folder, `${name}.vrt`), vrt(sources.join(''), { columns: count * 4 }));
    }
    const vrtFiles = new VrtFiles(40);
    for (const name of ['a', 'b', 'c']) {
      const found = await openSources([join(folder, `${name}.vrt`)], { hash: false, vrtFiles });
      opened.push(...found);
      for (const one of found) expect(await whole(one)).toHaveLength(count * 12);
    }
    expect(openBelow(folder)).toBe(40);
  });

  it.each([
    ['its file', { 'x.vrt': TWO['all.vrt'] }],
    [
      'a file of a VRT in it',
      {
        'x.vrt': vrt(source('in.vrt', [0, 0, 8, 3], [0, 0, 8, 3])),
        'in.vrt': TWO['all.vrt'],
      },
    ],
  ])('refuses to mix two states of %s', async (_, files) => {
    for (const hash of [true, false]) {
      const folder = temporaryFolder({ ...TWO, ...files });
      const found = await openSources([join(folder, 'x.vrt')], { hash, maxOpenFiles: 1 });
      opened.push(...found);
      const read = async (column: number) => [
        ...((await found[0]?.read(0, { column, row: 0, columns: 2, rows: 1 })) ?? []),
      ];
      expect(await read(0)).toEqual([1, 2]);
      expect(await read(5)).toEqual([3, 4]);
      const path = join(folder, 'a.tif');
      writeFileSync(path, tiff(TWELVE.toReversed()));
      utimesSync(path, 1e9, 1e9);
      await expect(read(0)).rejects.toMatchObject({ code: 'input-invalid', where: path });
      await expect(read(0)).rejects.toThrow(/has changed since it was first looked at/);
      expect(await read(5)).toEqual([3, 4]);
    }
  });

  it.each([true, false])('refuses a file at an address that has changed, hashed: %s', async (hash) => {
    const { 'all.vrt': text, 'a.tif': a, 'b/b.tif': b } = TWO;
    const server = await startRangeServer({
      '/all.vrt': { bytes: Buffer.from(text), etag: '"1"' },
      '/a.tif': { bytes: Buffer.from(a), etag: '"1"' },
      '/b/b.tif': { bytes: Buffer.from(b), etag: '"1"' },
    });
    try {
      const [found] = await openSources([`${server.url}/all.vrt`], { hash, maxOpenFiles: 1 });
      const read = async (column: number) => [
        ...((await found?.read(0, { column, row: 0, columns: 2, rows: 1 })) ?? []),
      ];
      expect(await read(5)).toEqual([3, 4]);
      expect(await read(0)).toEqual([1, 2]);
      server.files.set('/b/b.tif', { bytes: Buffer.from(tiff(TWELVE.toReversed())), etag: '"2"' });
      await expect(read(5)).rejects.toThrow(/b\.tif has changed since it was first looked at/);
      await found?.close();
    } finally {
      await server.close();
    }
  });

  it('lays many files over each other in their order', async () => {
    const places = Array.from({ length: 40 }, (_, i) => [(i * 7) % 17, (i * 5) % 11] as const);
    const files = Object.fromEntries(places.map((_, i) => [`${i}.tif`, tiff(TWELVE.map(() => i))]));
    const sources = places.map(([x, y], i) => source(`${i}.tif`, [0, 0, 4, 3], [x, y, 4, 3]));
    const folder = temporaryFolder({ ...files, 'x.vrt': vrt(sources.join(''), { columns: 22, rows: 15 }) });
    const expected = Array.from({ length: 22 * 15 }, (_, k) => {
      const [column, row] = [k % 22, Math.floor(k / 22)];
      const top = places.findLastIndex(([x, y]) => column >= x && column < x + 4 && row >= y && row < y + 3);
      return top < 0 ? Number.NaN : top;
    });
    const found = await open(join(folder, 'x.vrt'));
    expect([...(await whole(found))]).toEqual(expected);
    const part = await found.read(0, { column: 6, row: 4, columns: 3, rows: 1 });
    expect([...part]).toEqual(expected.slice(4 * 22 + 6, 4 * 22 + 9));
  });

  it('asks only the files that a window touches', async () => {
    const folder = temporaryFolder({ ...TWO, 'b/b.tif': 'no TIFF at all' });
    const found = await open(join(folder, 'all.vrt'));
    expect([...(await found.read(0, { column: 0, row: 0, columns: 3, rows: 1 }))]).toEqual([1, 2, 3]);
    await expect(found.read(0, { column: 2, row: 0, columns: 3, rows: 1 })).rejects.toThrow(/b\.tif/);
  });

  it('leads nowhere but below its own folder and to what is allowed, also by links', async () => {
    const outside = temporaryFolder({ 'a.tif': tiff(TWELVE), 'near/a.tif': tiff(TWELVE) });
    const to = (name: string) => vrt(source(name, [0, 0, 4, 3], [0, 0, 4, 3]), { columns: 4 });
    const folder = temporaryFolder({
      'x/up.vrt': to(`../../${basename(outside)}/a.tif`),
      'x/whole.vrt': to(join(outside, 'a.tif')),
    });
    const own = join(folder, 'x');
    symlinkSync(join(outside, 'a.tif'), join(own, 'link.tif'));
    symlinkSync(join(outside, 'near'), join(own, 'linked'));
    writeFileSync(join(own, 'link.vrt'), to('link.tif'));
    writeFileSync(join(own, 'linked.vrt'), to('linked/a.tif'));
    for (const name of ['up', 'whole', 'link', 'linked']) {
      const path = join(own, `${name}.vrt`);
      await expect(open(path).then(whole)).rejects.toThrow(/--allow/);
      expect([...(await whole(await open(path, [outside])))]).toEqual(TWELVE);
      await expect(open(path, [`${outside}x`, join(outside, 'ne')]).then(whole)).rejects.toThrow(/--allow/);
    }
    writeFileSync(join(outside, 'broken.vrt'), to('a.tif').slice(0, 200));
    symlinkSync(join(outside, 'broken.vrt'), join(own, 'second.tif'));
    copyFileSync(join(outside, 'a.tif'), join(own, 'first.tif'));
    const two = ['first.tif', 'second.tif'].map((name) => source(name, [0, 0, 4, 3], [0, 0, 4, 3]));
    writeFileSync(join(own, 'two.vrt'), vrt(two.join(''), { columns: 4 }));
    await expect(openSources([join(own, 'two.vrt')])).rejects.toThrow(/second\.tif.*--allow/);
    mkdirSync(join(outside, 'vrt'));
    writeFileSync(join(outside, 'vrt/real.vrt'), to('a.tif'));
    copyFileSync(join(outside, 'a.tif'), join(outside, 'vrt/a.tif'));
    symlinkSync(join(outside, 'vrt/real.vrt'), join(own, 'lent.vrt'));
    expect([...(await whole(await open(join(own, 'lent.vrt'))))]).toEqual(TWELVE);
  });

  it.each([
    'https://dem.example/a.tif',
    '/vsicurl/https://dem.example/a.tif',
    '/vsis3/bucket/a.tif',
    's3://bucket/a.tif',
    '/vsizip/a.zip/a.tif',
    'NETCDF:a.nc:z',
    'file:///etc/passwd',
    '../a.tif',
    '/etc/passwd',
  ])('does not go to %s', async (name) => {
    const folder = temporaryFolder({ 'x.vrt': vrt(source(name, [0, 0, 4, 3], [0, 0, 4, 3]), { columns: 4 }) });
    await expect(open(join(folder, 'x.vrt'))).rejects.toMatchObject({ code: 'input-unsupported' });
    const allowed = open(join(folder, 'x.vrt'), ['https://dem.example.evil', 'https://dem.exampl', 's3://buck']);
    await expect(allowed).rejects.toMatchObject({ code: 'input-unsupported' });
  });
});

/** Files below a folder that this process has open. */
function openBelow(folder: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(folder)).length;
}

const plain = source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3]);
const FAULTS: readonly (readonly [name: string, text: string, says: RegExp])[] = [
  ['no end', vrt(plain).slice(0, 200), /no well-formed XML/],
  ['another root', '<VRTDataset2/>', /no raster|root/],
  ['a document type', `<!DOCTYPE a [<!ENTITY b "c">]>${vrt(plain)}`, /document type|no raster/],
  ['an entity of its own', vrt(plain).replace('a.tif', '&b;'), /no well-formed XML/],
  ['two million elements in each other', `<VRTDataset>${'<a>'.repeat(2_000_000)}`, /too deep/],
  ['no band', '<VRTDataset rasterXSize="4" rasterYSize="3"></VRTDataset>', /no band/],
  ['no sources', vrt(''), /no source/],
  ['no size', vrt(plain).replace('rasterXSize="8"', ''), /rasterXSize is ""/],
  ['no columns', vrt(plain, { columns: 0 }), /rasterXSize is "0"/],
  ['a size in words', vrt(plain).replace('rasterXSize="8"', 'rasterXSize="eight"'), /rasterXSize is "eight"/],
  ['2^40 columns', vrt(plain, { columns: 2 ** 40 }), /rasterXSize is "1099511627776"/],
  ['no CRS', vrt(plain, { top: '<GeoTransform>10, 1, 0, 50, 0, -1</GeoTransform>' }), /coordinate system/],
  ['no place', vrt(plain, { top: '<SRS>EPSG:4326</SRS>' }), /where its samples lie/],
  [
    'a place of no size',
    vrt(plain, { top: '<SRS>EPSG:4326</SRS><GeoTransform>10,0,0,50,0,0</GeoTransform>' }),
    /six numbers/,
  ],
  [
    'five numbers for a place',
    vrt(plain, { top: '<SRS>EPSG:4326</SRS><GeoTransform>10,1,0,50,0</GeoTransform>' }),
    /six numbers/,
  ],
  [
    'a place outside the world',
    vrt(plain, { top: '<SRS>EPSG:4326</SRS><GeoTransform>9000,1,0,50,0,-1</GeoTransform>' }),
    /outside the world/,
  ],
  [
    'a CRS that is none',
    vrt(plain, { top: '<SRS>hello</SRS><GeoTransform>10,1,0,50,0,-1</GeoTransform>' }),
    /none of these/,
  ],
  ['a source without a name', vrt(plain.replace('a.tif', '')), /names no file/],
  ['a rectangle in words', vrt(plain.replace('xOff="0"', 'xOff="left"')), /no rectangle/],
  ['a rectangle of no size', vrt(plain.replace('xSize="4"', 'xSize="0"')), /no rectangle/],
  ['a rectangle of infinite size', vrt(plain.replace('xSize="4"', 'xSize="1e999"')), /no rectangle/],
  ['no rectangle', vrt('<SimpleSource><SourceFilename>a.tif</SourceFilename></SimpleSource>'), /which part/],
  ['all outside', vrt(source('a.tif', [0, 0, 4, 3], [100, 0, 4, 3])), /no source inside/],
  ['another band', vrt(source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3], '<SourceBand>2</SourceBand>')), /takes band 2/],
  ['a table of values', vrt(source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3], '<LUT>0:0,1:5</LUT>')), /<LUT>/],
  ['a mean of sources', vrt(source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3], '', 'AveragedSource')), /<AveragedSource>/],
  ['a filter', vrt(source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3], '', 'KernelFilteredSource')), /<KernelFilteredSource>/],
  [
    'code of its own',
    vrt(plain).replace('<VRTRasterBand', '<VRTRasterBand subClass="VRTDerivedRasterBand"'),
    /VRTDerivedRasterBand/,
  ],
  [
    'raw bytes of a file',
    vrt(plain).replace('<VRTRasterBand', '<VRTRasterBand subClass="VRTRawRasterBand"'),
    /VRTRawRasterBand/,
  ],
  [
    'sharpening',
    vrt(plain).replace('<VRTDataset', '<VRTDataset subClass="VRTPansharpenedDataset"'),
    /VRTPansharpenedDataset/,
  ],
  ['complex numbers', vrt(plain).replace('Int16', 'CFloat32'), /cfloat32/],
  ['scale 0', vrt(plain, { band: '<Scale>0</Scale>' }), /scale 0/],
  ['nodata in words', vrt(plain, { band: '<NoDataValue>none</NoDataValue>' }), /NoDataValue> is "none"/],
  ['itself for a source', vrt(source('x.vrt', [0, 0, 8, 3], [0, 0, 8, 3])), /refers to itself/],
  ['a file that is not there', vrt(source('no.tif', [0, 0, 4, 3], [0, 0, 4, 3])), /no such file/],
  [
    'a file of another size',
    vrt(source('a.tif', [0, 0, 4, 3], [0, 0, 4, 3], '<SourceProperties RasterXSize="5" RasterYSize="3"/>')),
    /5 x 3 samples, and it has 4 x 3/,
  ],
  ['forty million letters', vrt(plain) + ' '.repeat(40_000_000), /at most 33554432 is read/],
];

describe('a broken VRT, opened in a process of its own, with', () => {
  let opener: HostileOpener;
  beforeAll(() => {
    opener = hostileOpener();
  });
  afterAll(() => opener.close());

  it.each(FAULTS)('%s', async (_, text, says) => {
    const folder = temporaryFolder({ 'x.vrt': text, 'a.tif': tiff(TWELVE) });
    const ending = await opener.open({ sources: [join(folder, 'x.vrt')] });
    expect(ending).toMatchObject({ kind: 'refused', message: expect.stringMatching(says) });
    if (ending.kind !== 'refused') return;
    expect(ending.message).toMatch(/^[^\p{Cc}]{20,700}$/u);
    expect(ending.message).not.toMatch(/\b(undefined|NaN|null|TypeError|RangeError)\b|\[object/);
    expect(ending.code).not.toBe('internal');
    expect(ending.cpuSeconds).toBeLessThan(2);
    expect(ending.grownBytes).toBeLessThan(256 * 2 ** 20);
  });
});
