/**
 * Kills `relievo prepare` and `relievo build` (SIGKILL, the built command as a process of its own) at points spread over
 * their run, and checks after each kill that nothing half made can be taken for whole, and after the next start that all is
 * byte for byte what an undisturbed run makes. Every third time the source has other content by then, under the same name.
 *
 *   npm run soak [-- --prepares 30 --builds 30 --seed 4]
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../tiler/verify/random.ts';
import { startRelievo } from '../support/command.ts';
import { MAUI_SHEETS } from '../support/maui.ts';

const { values } = parseArgs({
  options: {
    prepares: { type: 'string', default: '30' },
    builds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '4' },
  },
});
const random = seededRandom(Number(values.seed));
const work = mkdtempSync(join(tmpdir(), 'relievo-soak-'));
const source = join(work, 'maui.tif');
const cache = join(work, 'cache');
const out = join(work, 'tiles');
let faults = 0;
try {
  const editions = makeEditions();
  await killPrepares(editions, Number(values.prepares));
  await killBuilds(editions, Number(values.builds));
  say(faults === 0 ? 'all is well' : `${faults} faults`);
  if (faults > 0) process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Two rasters of one size: Maui at two thirds of an arc-second, and the same with a plateau in its middle. */
function makeEditions(): readonly [string, string] {
  const [first, second] = [join(work, 'first.tif'), join(work, 'second.tif')];
  const sheets = MAUI_SHEETS.map((path) => `/vsizip/${path}/${basename(path, '.zip')}`);
  execFileSync('gdalbuildvrt', ['-q', join(work, 'maui.vrt'), ...sheets]);
  const how = ['-r', 'cubic', '-outsize', '150%', '150%', '-co', 'TILED=YES'];
  execFileSync('gdal_translate', ['-q', ...how, join(work, 'maui.vrt'), first]);
  const bytes = readFileSync(first);
  const middle = (bytes.length >> 2) << 1;
  new Int16Array(bytes.buffer, bytes.byteOffset + middle, 2 ** 20).fill(1234);
  writeFileSync(second, bytes);
  return [first, second];
}

async function killPrepares(editions: readonly string[], kills: number): Promise<void> {
  const args = ['prepare', source, '--cache', cache];
  const whole: Tree[] = [];
  let seconds = 0;
  for (const edition of editions) {
    begin(edition);
    seconds = await runToEnd(args);
    whole.push(treeOf(join(cache, 'overviews')));
  }
  say(`prepare: ${seconds.toFixed(1)} s undisturbed`);
  const left = { nothing: 0, parts: 0, all: 0 };
  for (let k = 0; k < kills; k++) {
    begin(editions[0] ?? '');
    await killAfter(args, ((k + random()) / kills) * seconds);
    const found = treeOf(join(cache, 'overviews'));
    const parts = [...found.keys()].filter((name) => name.endsWith('.part')).length;
    const made = [...found].filter(([name]) => !name.endsWith('.part'));
    check(
      `kill ${k}: a file under its name is whole`,
      made.every(([name, hash]) => whole[0]?.get(name) === hash),
    );
    left[parts > 0 ? 'parts' : made.length === whole[0]?.size ? 'all' : 'nothing']++;
    const next = k % 3 === 2 ? 1 : 0;
    if (next === 1) cpSync(editions[1] ?? '', source, { preserveTimestamps: true });
    await runToEnd(args);
    const after = treeOf(join(cache, 'overviews'));
    check(
      `kill ${k}: no part is left`,
      [...after.keys()].every((name) => !name.endsWith('.part')),
    );
    const missing = [...(whole[next] ?? [])].filter(([name, hash]) => after.get(name) !== hash);
    check(`kill ${k}: the next start makes what an undisturbed run makes`, missing.length === 0);
    check(`kill ${k}: notes in the cache are whole`, readdirSync(join(cache, 'files')).every(isNote));
  }
  say(`prepare: ${kills} kills left nothing ${left.nothing} times, a part ${left.parts} times, all ${left.all} times`);
}

async function killBuilds(editions: readonly string[], kills: number): Promise<void> {
  const build = (...more: string[]) => ['build', source, '--out', out, '--cache', cache, '--threads', '2', ...more];
  const args = build('--max-zoom', '11');
  begin(editions[0] ?? '');
  await runToEnd(build('--max-zoom', '7'));
  const older = treeOf(out);
  cpSync(out, join(work, 'older'), { recursive: true });
  const whole: Tree[] = [];
  let seconds = 0;
  for (const edition of editions) {
    begin(edition);
    seconds = await runToEnd(args);
    whole.push(treeOf(out));
  }
  say(`build: ${seconds.toFixed(1)} s undisturbed, ${whole[0]?.size} files`);
  const left = { 'no overviews': 0, overviews: 0, tileset: 0 };
  for (let k = 0; k < kills; k++) {
    begin(editions[0] ?? '');
    const isRebuild = k % 2 === 1;
    if (isRebuild) cpSync(join(work, 'older'), out, { recursive: true });
    await killAfter(args, ((k + random()) / kills) * seconds);
    const found = treeOf(out);
    for (const name of [...found.keys()]) if (name.startsWith('.relievo-building')) found.delete(name);
    const isWhole = isSame(found, whole[0]);
    const stands = isWhole || (isRebuild && isSame(found, older));
    check(`kill ${k}: what has a document is whole`, stands || !found.has('layer.json'));
    const overviews = [...treeOf(join(cache, 'overviews')).keys()].filter((name) => name.endsWith('.overviews'));
    left[isWhole ? 'tileset' : overviews.length === 2 ? 'overviews' : 'no overviews']++;
    const next = k % 3 === 2 ? 1 : 0;
    if (next === 1) cpSync(editions[1] ?? '', source, { preserveTimestamps: true });
    await runToEnd(args);
    check(`kill ${k}: the next build makes what an undisturbed one makes`, isSame(treeOf(out), whole[next]));
  }
  say(
    `build: ${kills} kills in prepare ${left['no overviews']} times, in tiles ${left.overviews} times, ` +
      `after all was in place ${left.tileset} times`,
  );
}

/** An empty cache, no tiles, and the source as it was made. */
function begin(edition: string): void {
  for (const path of [cache, out]) rmSync(path, { recursive: true, force: true });
  mkdirSync(cache);
  cpSync(edition, source, { preserveTimestamps: true });
}

/** Seconds that it took; throws when it fails. */
async function runToEnd(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const { code, stderr } = await startRelievo(args).ended;
  if (code !== 0) throw new Error(`relievo ${args.join(' ')} ended with ${code}: ${stderr}`);
  return (performance.now() - started) / 1000;
}

async function killAfter(args: readonly string[], seconds: number): Promise<void> {
  const { child, ended } = startRelievo(args);
  await Promise.race([pause(seconds * 1000), ended]);
  child.kill('SIGKILL');
  await ended;
}

/** Hashes of all files below a folder by their paths in it. */
type Tree = ReadonlyMap<string, string>;

function treeOf(folder: string): Map<string, string> {
  const tree = new Map<string, string>();
  if (!existsSync(folder)) return tree;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    tree.set(path.slice(folder.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex'));
  }
  return tree;
}

function isSame(a: Tree, b: Tree | undefined): boolean {
  return a.size === b?.size && [...a].every(([name, hash]) => b.get(name) === hash);
}

/** Of the hashes of files: a half-written one has another name. */
function isNote(name: string): boolean {
  return /^[0-9a-f]{32}\.(hash|hashes|headers)$/.test(name);
}

function check(what: string, holds: boolean): void {
  if (holds) return;
  faults++;
  say(`FAULT: ${what}`);
}

function say(what: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`);
}
