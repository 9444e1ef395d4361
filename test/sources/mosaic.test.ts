import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMosaic } from '../../tiler/sources/mosaic.ts';
import { openFiles } from '../../tiler/sources/open-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { bytesOf, tinyTiff } from '../support/tiff-writer.ts';

const SQUARE = [
  [
    [10, 40],
    [12, 40],
    [12, 42],
    [10, 42],
    [10, 40],
  ],
];
const POLYGON = { type: 'Polygon', coordinates: SQUARE };

const pathsOf = async (...names: string[]) => (await readMosaic(names)).map(({ paths }) => paths);

describe('readMosaic', () => {
  it('takes files and addresses as one member, in the order given', async () => {
    const address = 'https://dem.example/b.tif?key=1';
    const [member, ...others] = await readMosaic(['x/b.tif', address, 'a.hgt.zip'], { how: { nodata: 0 } });
    expect(others).toEqual([]);
    expect(member).toEqual({
      name: `x/b.tif, ${address}, a.hgt.zip`,
      paths: [join(process.cwd(), 'x/b.tif'), address, join(process.cwd(), 'a.hgt.zip')],
      how: { nodata: 0 },
    });
  });

  it('takes the rasters of a folder, as people count, and nothing else that lies there', async () => {
    const names = [
      't10.tif',
      't2.TIF',
      'a.hgt.zip',
      'notes.txt',
      't2.tif.aux.xml',
      '.hidden.tif',
      'all.vrt',
      'look.png',
    ];
    const folder = temporaryFolder(Object.fromEntries([...names, 'deeper/x.tif'].map((name) => [name, 'x'])));
    expect(await pathsOf(folder)).toEqual([['a.hgt.zip', 't2.TIF', 't10.tif'].map((name) => join(folder, name))]);
  });

  it('takes the files of a glob; one that names no ending takes rasters only', async () => {
    const folder = temporaryFolder({ 'b/t10.tif': 'x', 'b/t9.tif': 'x', 'a.tif': 'x', 'a.dat': 'x', 'a.txt': 'x' });
    const found = (...names: string[]) => names.map((name) => join(folder, name));
    expect(await pathsOf(`${folder}/**/*.tif`)).toEqual([found('a.tif', 'b/t9.tif', 'b/t10.tif')]);
    expect(await pathsOf(`${folder}/*.{dat,tif}`)).toEqual([found('a.dat', 'a.tif')]);
    expect(await pathsOf(`${folder}/*`)).toEqual([found('a.tif')]);
    expect(await pathsOf(`${folder}/*`, `${folder}/b`)).toEqual([found('a.tif', 'b/t9.tif', 'b/t10.tif')]);
  });

  it('takes a file whose name looks like a glob by its name', async () => {
    const folder = temporaryFolder({ 'x[1].tif': 'x', 'x1.tif': 'x' });
    expect(await pathsOf(`${folder}/x[1].tif`)).toEqual([[join(folder, 'x[1].tif')]]);
    expect(await pathsOf(`${folder}/x[2-1].tif`).catch((error: Error) => error.message)).toMatch(/No file matches/);
  });

  it('leaves a folder of picture tiles as one raster', async () => {
    const folder = temporaryFolder({ '3/4/5.png': 'x' });
    expect(await pathsOf(folder)).toEqual([[folder]]);
  });

  it.each([
    ['an empty folder', {}, '', /holds no rasters/],
    ['a finished tileset', { 'layer.json': '{}', 'a.txt': '' }, '', /finished tileset/],
    ['a glob of nothing', { 'a.tif': '' }, '*.asc', /No file matches/],
    ['a glob without ending, of no rasters', { 'a.txt': '' }, '*', /Of the 1 files that match/],
  ])('refuses %s in a sentence', async (_, files, name, says) => {
    const folder = temporaryFolder(files);
    await expect(readMosaic([join(folder, name)])).rejects.toThrow(says);
  });

  it('lists a hundred thousand files with one look at the folder', async () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 2000; i++) symlinkSync('/nowhere', join(folder, `${i}.tif`));
    const [paths = []] = await pathsOf(folder);
    expect(paths).toHaveLength(2000);
    expect(paths[1999]).toBe(join(folder, '1999.tif'));
  });
});

describe('a mosaic file', () => {
  it('lists members in order of priority, with all that is said of each', async () => {
    const folder = temporaryFolder({
      'mosaic.yaml': `
version: 1
sources:
  - name: Survey
    path: survey/dtm.tif
    verticalDatum: geoids/local.gtx
    verticalUnit: us-foot
    crs: survey/own.prj
    nodata: -9999
    clip: outline.geojson
    feather: 25
  - paths: [sheets/*.tif, https://dem.example/x.tif]
    verticalDatum: egm2008
    verticalUnit: 0.1
    bounds: [10, 40, 12, 42]
    range: 0,100
    clip: ${JSON.stringify(POLYGON)}
    feather: none
  - path: base
`,
      'outline.geojson': { type: 'Feature', geometry: POLYGON, properties: {} },
      'sheets/s10.tif': 'x',
      'sheets/s9.tif': 'x',
    });
    const namedIn = join(folder, 'mosaic.yaml');
    const found = await readMosaic([namedIn], { how: { verticalUnit: 'foot', nodata: 7 } });
    expect(found).toEqual([
      {
        name: 'Survey',
        title: 'Survey',
        namedIn,
        paths: [join(folder, 'survey/dtm.tif')],
        how: {
          verticalDatum: join(folder, 'geoids/local.gtx'),
          verticalUnit: 'us-foot',
          sourceCrs: join(folder, 'survey/own.prj'),
          nodata: -9999,
        },
        clip: [SQUARE],
        featherMetres: 25,
      },
      {
        name: 'sheets/*.tif, https://dem.example/x.tif',
        namedIn,
        paths: [join(folder, 'sheets/s9.tif'), join(folder, 'sheets/s10.tif'), 'https://dem.example/x.tif'],
        how: { verticalDatum: 'egm2008', verticalUnit: '0.1', bounds: '10,40,12,42', range: '0,100', nodata: 7 },
        clip: [SQUARE],
        featherMetres: 0,
      },
      { name: 'base', namedIn, paths: [], how: {}, base: true, clip: undefined, featherMetres: undefined },
    ]);
  });

  it('stands between the files typed before and after it', async () => {
    const folder = temporaryFolder({ 'm.yml': 'version: 1\nsources:\n- path: m.tif\n' });
    const found = await pathsOf('/a.tif', '/b.tif', join(folder, 'm.yml'), '/c.tif');
    expect(found).toEqual([['/a.tif', '/b.tif'], [join(folder, 'm.tif')], ['/c.tif']]);
  });

  const sources = (text: string) => `version: 1\nsources:\n${text}\n`;
  it.each([
    ['another version', 'version: 2\nsources: [{path: a.tif}]', /line 1: version must be 1, not 2/],
    ['no version', 'sources: [{path: a.tif}]', /line 1: version must be 1, not nothing/],
    ['no sources', 'version: 1', /sources must be a list of sources, not nothing/],
    ['an empty list', 'version: 1\nsources: []', /line 2: sources must list at least one/],
    ['an unknown key', sources('- path: a.tif\n  pth: b.tif'), /line 4: "pth" is no key here; known are name, path/],
    [
      'an unknown key at the top',
      'version: 1\nbase: none\nsources: [{ path: a.tif }]',
      /line 2: "base" is no key here; known are version/,
    ],
    ['a name for an entry', sources('- a.tif'), /line 3: sources has entries that are keys and values/],
    ['neither path nor paths', sources('- name: a'), /line 3: each source has either path .* none/],
    ['path and paths', sources('- path: a.tif\n  paths: [b.tif]'), /line 3: .* both/],
    ['a number as a path', sources('- path: 7'), /line 3: path must be text, not 7/],
    ['no names', sources('- paths: []'), /line 3: paths must name at least one/],
    [
      'a negative feather',
      sources('- path: a.tif\n  feather: -1'),
      /line 4: feather must be a width in metres, or none, not -1/,
    ],
    ['three bounds', sources('- path: a.tif\n  bounds: [1, 2, 3]'), /line 4: bounds must be 4 numbers/],
    ['nodata in words', sources('- path: a.tif\n  nodata: none'), /line 4: nodata must be a number, not "none"/],
    ['another mosaic file', sources('- path: b.yaml'), /line 3: a mosaic file cannot take in another/],
    ['a base in feet', sources('- path: base\n  verticalUnit: foot'), /line 3: .*take out verticalUnit/],
    ['a key twice', sources('- path: a.tif\n  path: b.tif'), /line 4: the key "path" stands here twice/],
    ['a list as a key', sources('- ? [a]\n  : b'), /a key must be a word/],
    ['broken YAML', 'version: 1\nsources: [', /line \d: it is no YAML/],
    ['a tab for indentation', sources('- path: a.tif\n\tname: b'), /line \d: it is no YAML/],
    ['no mapping', '- a.tif', /line 1: expected the keys version and sources/],
    ['nothing', '', /line 1: expected the keys version and sources/],
    ['a hundred thousand lists in one another', `a: ${'['.repeat(100_000)}`, /nested too deep|no YAML/],
    ['a million letters of keys', Array.from({ length: 90_000 }, (_, i) => `k${i}: 1`).join('\n'), /"k0" is no key/],
    ['aliases that unfold to billions', bomb(), /too deep or broken|is no key/],
    ['two million letters', ' '.repeat(2_000_000), /at most 1048576 are read/],
    [
      'a clip that is not there',
      sources('- path: a.tif\n  clip: no.geojson'),
      /no\.geojson, a GeoJSON file of polygons/,
    ],
    ['a clip of a point', sources('- path: a.tif\n  clip: {type: Point, coordinates: [1, 2]}'), /holds a Point/],
    ['a folder that is not there', sources('- path: nowhere/*.tif'), /No file matches nowhere/],
  ])('with %s is refused, naming the line', async (_, text, says) => {
    const folder = temporaryFolder({ 'm.yaml': text });
    const error = await readMosaic([join(folder, 'm.yaml')]).then(
      () => new Error('opened'),
      (cause: Error & { code?: string }) => cause,
    );
    expect(error).toMatchObject({ name: 'RelievoError', code: expect.stringMatching(/^input-/) });
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^[^\p{Cc}]{20,600}$/u);
    expect(error.message).not.toMatch(/\b(undefined|NaN|null)\b|\[object/);
  });

  it.each([
    ['text', 'hello', /is no GeoJSON/],
    ['a bare word', '"Polygon"', /no GeoJSON object/],
    ['no polygons', '{"type":"FeatureCollection","features":[]}', /holds no polygon/],
    [
      'metres',
      '{"type":"Polygon","coordinates":[[[500000,4e6],[500100,4e6],[500100,4000100],[500000,4e6]]]}',
      /500000/,
    ],
    ['another CRS', '{"type":"Polygon","crs":{"properties":{"name":"EPSG:2056"}},"coordinates":[]}', /EPSG:2056/],
    [
      'an edge half round the world',
      JSON.stringify({
        type: 'Polygon',
        coordinates: [
          [
            [170, 0],
            [-170, 0],
            [-170, 9],
            [170, 9],
          ],
        ],
      }),
      /340 degrees/,
    ],
    ['two positions', '{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}', /ring of 2 positions/],
    ['no rings', '{"type":"Polygon","coordinates":[]}', /without rings/],
    ['a number for rings', '{"type":"Polygon","coordinates":7}', /no list/],
    ['collections without end', '{"type":"GeometryCollection","geometries":['.repeat(20) + ']}'.repeat(20), /8 deep/],
  ])('refuses a clip file of %s', async (_, text, says) => {
    const folder = temporaryFolder({ 'm.yaml': sources('- path: a.tif\n  clip: c.geojson'), 'c.geojson': text });
    await expect(readMosaic([join(folder, 'm.yaml')])).rejects.toThrow(says);
  });
});

/** Nine lists, each of nine of the one before. */
function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 10; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  return lines.join('\n');
}

describe('the value of missing samples that the user gives', () => {
  const keys = { 1024: 2, 1025: 1, 2048: 4326 };
  const tags = { 33550: [1, 1, 0], 33922: [0, 0, 0, 10, 50, 0] };
  const sample = (values: Int16Array | Float32Array, more: object = {}) =>
    tinyTiff({
      columns: 2,
      rows: 2,
      bits: values.BYTES_PER_ELEMENT * 8,
      format: values instanceof Int16Array ? 2 : 3,
      blocks: [bytesOf(values)],
      keys,
      tags: { ...tags, ...more },
    });
  const read = async (bytes: Uint8Array, nodata: number | undefined) => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'x.tif'), bytes);
    const source = await (await openFiles(1)).open(join(folder, 'x.tif'), { nodata });
    const samples = await source.read(0, { column: 0, row: 0, columns: 2, rows: 2 });
    await source.close();
    return { samples: [...samples], version: source.info.version };
  };

  it('is void, whatever the file says', async () => {
    const bytes = sample(Int16Array.of(1, -9999, 3, 4));
    expect((await read(bytes, -9999)).samples).toEqual([1, Number.NaN, 3, 4]);
    expect((await read(bytes, undefined)).samples).toEqual([1, -9999, 3, 4]);
  });

  it('is compared as a float32', async () => {
    const bytes = sample(Float32Array.of(0.1, 0.2, 0.3, 4));
    expect((await read(bytes, 0.1)).samples[0]).toBeNaN();
  });

  it('is part of the version', async () => {
    const bytes = sample(Int16Array.of(1, 2, 3, 4));
    const versions = await Promise.all([undefined, 1, 2].map(async (nodata) => (await read(bytes, nodata)).version));
    expect(new Set(versions).size).toBe(3);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('may be %d, which is void anyway', async (nodata) => {
    expect((await read(sample(Float32Array.of(1, nodata, 3, 4)), nodata)).samples).toEqual([1, Number.NaN, 3, 4]);
  });
});
