import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { cacheFolder } from '../../tiler/store/cache-folder.ts';
import { relievo } from '../support/command.ts';
import { expectSentence } from '../support/expect-sentence.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [MAUI] = MAUI_SHEETS;
const square = (west: number, south: number, east: number, north: number) => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ],
  ],
});
/** In the crater of Haleakala. */
const POND = square(-156.23, 20.71, -156.2, 20.73);
const FIELD = square(-156.25, 20.71, -156.22, 20.73);
const PLACES = '-156.215,20.72\n-156.198,20.72\n-156.15,20.72\n';

it('relievo sample names what made the ground level, its height and its share', async () => {
  const folder = temporaryFolder({ 'pond.geojson': POND, 'field.geojson': FIELD });
  const flat = (text: string) => ['--flatten', join(folder, text)];
  const args = ['sample', MAUI, ...flat('field.geojson'), ...flat('pond.geojson:2400.5'), '--flatten-feather', '500'];
  const { code, stdout } = await relievo([...args, '--explain'], { input: PLACES });
  expect(code).toBe(0);
  const [inside, band, beyond] = stdout.split(/\n(?=\S)/);
  expect(inside).toMatch(/2400\.500 above sea level {2}flattened\n {2}made of {3}flattened\n/);
  expect(inside).toContain('  100 %     pond.geojson, made level at 2400.500 m above sea level (EGM96); feather 500 m');
  expect(band).toMatch(
    / above sea level {2}feathered\n {2}made of {3}feathered\n {2}\d\d? % +pond.geojson, made level/,
  );
  expect(band).toMatch(/\n {2}\d\d? % +N20W157.hgt.zip\n/);
  expect(beyond).toMatch(/ above sea level {2}measured\n {2}made of {3}measured\n {2}100 % +N20W157.hgt.zip\n/);
  const json = await relievo([...args, '--explain', '--json'], { input: '-156.24,20.72\n' });
  const one = JSON.parse(json.stdout);
  expect(one).toMatchObject({ origin: 'flattened', source: 'field.geojson' });
  expect(one.explain.flattened).toEqual([
    {
      area: 'field.geojson',
      share: 1,
      height: expect.any(Number),
      datum: 'sea-level',
      from: 'outline',
      featherMetres: 500,
    },
  ]);
  expect(one.heightAboveSeaLevel).toBeCloseTo(one.explain.flattened[0].height, 3);
  expect(one.explain.contributors).toEqual([]);
});

it('relievo build makes the tiles that the options stand for, on threads', async () => {
  const folder = temporaryFolder({ 'pond.geojson': POND, 'clip.geojson': square(-156.3, 20.65, -156.15, 20.8) });
  const [clip, pond, out] = ['clip.geojson', 'pond.geojson', 'out'].map((name) => join(folder, name));
  const options = { clip, flatten: [pond], maxZoom: 12 };
  const built = await relievo([
    'build',
    MAUI,
    '--clip',
    clip,
    '--flatten',
    pond,
    '--max-zoom',
    '12',
    '--threads',
    '2',
    '--out',
    out,
  ]);
  expect(built.stderr).not.toContain('relievo:');
  expect(built.code).toBe(0);
  const maker = await openTerrainMaker({
    sources: [MAUI],
    options: tileOptionsSchema.parse(options),
    cacheFolder: cacheFolder(undefined),
  });
  onTestFinished(() => maker.close());
  const version = JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8')).version;
  expect(version).toBe(maker.document('x').version);
  const side = 180 / 4096;
  const id = { z: 12, x: Math.floor((180 - 156.215) / side), y: Math.floor((90 - 20.72) / side) };
  const path = join(out, '12', String(id.x), `${4095 - id.y}.terrain`);
  expect(gunzipSync(readFileSync(path)).equals((await maker.makeTile(id)).bytes)).toBe(true);
  expect(existsSync(join(out, '12', String(id.x - 10)))).toBe(false);
});

it('relievo info says what is cut and what is level', async () => {
  const folder = temporaryFolder({ 'pond.geojson': POND, 'clip.geojson': square(-156.3, 20.65, -156.15, 20.8) });
  const shape = ['--clip', join(folder, 'clip.geojson'), '--flatten', `${join(folder, 'pond.geojson')}:5:ellipsoid`];
  const { stdout, stderr } = await relievo(['info', MAUI, ...shape]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/Clip +only what lies inside the polygons of --clip is used/);
  expect(stdout).toMatch(/Extent +156.3\d* W to 156.15\d* W, 20.65\d* N to 20.8\d* N/);
  expect(stdout).toMatch(/Flattened +pond.geojson: 5.00 m above the ellipsoid; feather 123 m/);
  const { stdout: json } = await relievo(['info', MAUI, ...shape, '--json']);
  expect(JSON.parse(json)).toMatchObject({
    clipped: true,
    flattenedCount: 1,
    flattened: [{ height: 5, from: 'given' }],
  });
});

it.each(['build', 'serve', 'prepare', 'sample', 'info'])(
  'relievo %s refuses polygons that are none, in a sentence',
  async (command) => {
    const folder = temporaryFolder({ 'line.geojson': { type: 'LineString', coordinates: [] } });
    const path = join(folder, 'line.geojson');
    const out = command === 'build' ? ['--out', join(folder, 'out')] : [];
    for (const [flag, text, code, words] of [
      ['--clip', path, 1, 'holds a LineString'],
      ['--flatten', `${path}:5`, 1, 'holds a LineString'],
      ['--flatten', `${path}:5m`, 2, 'FILE:METRES above sea level'],
    ] as const) {
      const refused = await relievo([command, MAUI, flag, text, ...out]);
      expect(refused.code).toBe(code);
      expectSentence(refused.stderr, words);
    }
  },
);
