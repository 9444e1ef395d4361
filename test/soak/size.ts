/**
 * What the size cases cost, on the built command and data from make-size-data.ts: prepare, build of levels 0 to 11, start of
 * the server, 200 random native tiles over HTTP, a second start; seconds, resident memory and open files of each. Then the
 * heights of 50 places as `relievo sample` tells them, beside GDAL's. Linux, outside CI.
 *
 *   npm run build && node test/soak/size.ts --data FOLDER [--cases striped,sheets] [--threads 2] [--max-zoom 11] [--save]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { LayerSummary } from '../../server/routes/layers.ts';
import type { AvailableRange, LayerJson } from '../../tiler/catalog/layer-json.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { reportResult } from '../bench/results.ts';
import { LAYOUTS, NORTH, PER_DEGREE, SHEET_SIDE, type SheetPlace, VOID, WEST } from './size-data.ts';
import { type Accounts, watchProcess } from './watched-process.ts';

const COMMAND = resolve(import.meta.dirname, '../../dist/tiler/cli/main.js');
const TILES = 200;
const PLACES = 50;

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    cases: { type: 'string', default: [...LAYOUTS, 'sheets'].join(',') },
    threads: { type: 'string', default: '2' },
    'max-zoom': { type: 'string', default: '11' },
    save: { type: 'boolean', default: false },
  },
});
if (!existsSync(COMMAND)) throw new Error('build first: npm run build');
if (values.data === undefined) throw new Error('name the folder that make-size-data.ts wrote: --data FOLDER');
const data = resolve(values.data);
const side = Number(/rasterXSize="(\d+)"/.exec(readFileSync(join(data, 'relief.vrt'), 'utf8'))?.[1]);
for (const name of values.cases.split(',')) await measure(name);

async function measure(name: string): Promise<void> {
  const source = name === 'sheets' ? join(data, 'sheets', '*.tif') : join(data, `${name}.tif`);
  const work = join(data, `work-${name}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  const cache = join(work, 'cache');
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const flags = (command: string) => [
    ...(knows(command, '--cache') ? ['--cache', cache] : []),
    ...(knows(command, '--threads') ? ['--threads', values.threads] : []),
  ];
  const title = (step: string) => `${sizeOf(name)}, ${name}: ${step}`;
  const say = (step: string, { seconds, cpuSeconds, peakMegabytes, mostOpenFiles }: Accounts, more = {}) =>
    reportResult(
      {
        case: title(step),
        rounds: 1,
        wall_s_median: seconds.toFixed(2),
        cpu_s_median: cpuSeconds.toFixed(2),
        peak_mb: peakMegabytes.toFixed(0),
        most_open_files: mostOpenFiles,
        ...more,
      },
      values.save,
    );
  const run = async (command: string, ...args: string[]) =>
    watchProcess(process.execPath, [COMMAND, command, source, ...flags(command), ...args], env).ended();

  try {
    if (knows('prepare', '--help')) say('prepare', (await run('prepare')).accounts);
    const built = await run('build', '--out', join(work, 'tiles'), '--max-zoom', values['max-zoom'], '--json');
    const levels: { tiles: number; bytes: number }[] = JSON.parse(built.output.trim().split('\n').at(-1) ?? '').levels;
    const tiles = levels.reduce((sum, level) => sum + level.tiles, 0);
    const bytes = levels.reduce((sum, level) => sum + level.bytes, 0);
    say(`build to level ${values['max-zoom']}`, built.accounts, {
      tiles,
      tiles_per_s: (tiles / built.accounts.seconds).toFixed(0),
      bytes_per_tile: (bytes / tiles).toFixed(0),
    });
    rmSync(join(work, 'tiles'), { recursive: true, force: true });

    const first = await serve(source, flags('serve'), env);
    say('serve until ready', first.started);
    const fetched = await fetchTiles(first.url);
    say(`serve and ${TILES} random native tiles`, await first.stop(), {
      wall_s_median: fetched.seconds.toFixed(2),
      tiles: fetched.count,
      tiles_per_s: (fetched.count / fetched.seconds).toFixed(1),
      bytes_per_tile: (fetched.bytes / fetched.count).toFixed(0),
    });
    const second = await serve(source, flags('serve'), env);
    say('serve until ready, second start', second.started);
    await second.stop();
    checkHeights(name, source, env);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Whether the command exists and has the flag. */
function knows(command: string, flag: string): boolean {
  const { status, stdout } = spawnSync(process.execPath, [COMMAND, command, '--help'], { encoding: 'utf8' });
  return status === 0 && stdout.includes(`relievo ${command}`) && stdout.includes(flag);
}

function sizeOf(name: string): string {
  return name === 'sheets' ? `${placesOfSheets().length} sheets` : `${side} x ${side}`;
}

function placesOfSheets(): readonly SheetPlace[] {
  return JSON.parse(readFileSync(join(data, 'sheets.json'), 'utf8'));
}

/** The server, once it says that it is ready. */
async function serve(source: string, flags: readonly string[], env: NodeJS.ProcessEnv) {
  const { child, accounts, ended } = watchProcess(
    process.execPath,
    [COMMAND, 'serve', source, ...flags, '--port', '0'],
    env,
  );
  const url = await Promise.race([
    new Promise<string>((found) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk;
        const address = /http:\/\/[^\s/]+:\d+/.exec(text)?.[0];
        if (address !== undefined) found(address);
      });
    }),
    ended().then(() => Promise.reject(new Error('the server ended before it served'))),
  ]);
  while ((await fetch(`${url}/readyz`)).status !== 200) await new Promise((next) => setTimeout(next, 20));
  return {
    url,
    started: accounts(),
    async stop(): Promise<Accounts> {
      child.kill('SIGTERM');
      return (await ended()).accounts;
    },
  };
}

/** Random tiles of the deepest level, one after the other. */
async function fetchTiles(url: string): Promise<{ seconds: number; bytes: number; count: number }> {
  const [layer] = (await (await fetch(`${url}/layers`)).json()) as LayerSummary[];
  const address = layer?.addresses.terrain ?? '';
  const document = (await (await fetch(`${address}/layer.json`)).json()) as LayerJson;
  const z = document.maxzoom;
  const ranges = document.available[z] ?? [];
  const random = seededRandom(7);
  const started = performance.now();
  let bytes = 0;
  for (let k = 0; k < TILES; k++) {
    const { x, y } = pickTile(ranges, random);
    const response = await fetch(`${address}/${z}/${x}/${y}.terrain`);
    if (response.status !== 200)
      throw new Error(`${response.url} answers ${response.status}: ${await response.text()}`);
    bytes += (await response.arrayBuffer()).byteLength;
  }
  return { seconds: (performance.now() - started) / 1000, bytes, count: TILES };
}

/** Every tile is as likely as any other. */
function pickTile(ranges: readonly AvailableRange[], random: () => number): { x: number; y: number } {
  const widths = ranges.map(({ startX, endX }) => endX - startX + 1);
  const counts = ranges.map(({ startY, endY }, i) => (endY - startY + 1) * (widths[i] ?? 0));
  let index = Math.floor(random() * counts.reduce((sum, count) => sum + count, 0));
  const i = counts.findIndex((count) => {
    index -= count;
    return index < 0;
  });
  const [range, width = 1, count = 0] = [ranges[i], widths[i], counts[i]];
  if (range === undefined) throw new Error('the layer has no native tiles');
  const place = index + count;
  return { x: range.startX + (place % width), y: range.startY + Math.floor(place / width) };
}

/** Samples of the source at random places, by `relievo sample` and by GDAL. */
function checkHeights(name: string, source: string, env: NodeJS.ProcessEnv): void {
  const random = seededRandom(11);
  const sheets = name === 'sheets' ? placesOfSheets() : undefined;
  const whole = (below: number) => Math.floor(random() * below);
  const pick = (): [column: number, row: number] => {
    const sheet = sheets?.[whole(sheets.length)];
    // Not on a sheet's rim, beside which there may be nothing.
    const inSheet = () => 1 + whole(SHEET_SIDE - 2);
    return sheet ? [sheet.column + inSheet(), sheet.row + inSheet()] : [whole(side), whole(side)];
  };
  const samples = Array.from({ length: 4 * PLACES }, pick);
  const pixels = samples.map((sample) => `${sample.join(' ')}\n`).join('');
  const vrt = join(data, 'relief.vrt');
  const stored = execFileSync('gdallocationinfo', ['-valonly', vrt], { input: pixels, encoding: 'utf8' }).split('\n');
  const checked = samples
    .map(([column, row], i) => ({ column, row, truth: Number(stored[i] || VOID) }))
    .filter(({ truth }) => truth !== VOID)
    .slice(0, PLACES);
  const places = checked
    .map(({ column, row }) => `${WEST + (column + 0.5) / PER_DEGREE},${NORTH - (row + 0.5) / PER_DEGREE}\n`)
    .join('');
  const lines = execFileSync(process.execPath, [COMMAND, 'sample', source, '--json'], {
    input: places,
    encoding: 'utf8',
    env,
    maxBuffer: 64e6,
  }).trim();
  const found = lines.split('\n').map((line) => Number(JSON.parse(line).heightAboveSeaLevel));
  const wrong = checked.filter(({ truth }, i) => !(Math.abs((found[i] ?? Number.NaN) - truth) < 0.01));
  process.stdout.write(`heights at ${checked.length} places: ${wrong.length} differ from GDAL's\n`);
  if (checked.length < PLACES || found.length !== checked.length || wrong.length > 0) process.exitCode = 1;
}
