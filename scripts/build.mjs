/**
 * Builds dist/: tiler and server with TypeScript, the viewer with Vite. Each half is left alone while the content of
 * its sources is what its stamp says, so an unchanged tree costs a few milliseconds. `--force` builds anyway.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, runScript, StepFailed } from './child.mjs';
import { withLock } from './lock.mjs';
import { ensureInstalled, nodeOf, REPOSITORY } from './setup.mjs';

const HALVES = [
  {
    name: 'tiler and server',
    sources: ['tiler', 'server', 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'],
    outputs: ['dist/tiler', 'dist/server'],
    proof: 'dist/tiler/cli/main.js',
    stamp: 'dist/.code-stamp',
    program: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  },
  {
    name: 'viewer',
    sources: ['viewer', 'package.json', 'package-lock.json'],
    outputs: ['dist/viewer'],
    proof: 'dist/viewer/index.html',
    stamp: 'dist/.viewer-stamp',
    program: ['node_modules/vite/bin/vite.js', 'build', 'viewer', '--logLevel', 'warn'],
  },
];

/** Hash of names and contents of files, and of all files below folders, whatever their clock says. */
export function hashFiles(root, places) {
  const hash = createHash('sha256');
  for (const place of places.flatMap((each) => listFiles(root, each))) {
    const content = readFileSync(join(root, place));
    hash.update(`${place}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Builds the halves of dist/ that are not in step with their sources; the names of those that it built. */
export async function ensureBuilt(root = REPOSITORY, { force = false } = {}) {
  await ensureInstalled(root);
  return withLock(join(root, '.cache', 'build.lock'), async () => {
    const stale = HALVES.filter((half) => force || !isFresh(root, half, hashFiles(root, half.sources)));
    for (const half of stale) await build(root, half);
    return stale.map(({ name }) => name);
  });
}

function isFresh(root, { stamp, proof }, hash) {
  const path = join(root, stamp);
  return existsSync(path) && readFileSync(path, 'utf8') === hash && existsSync(join(root, proof));
}

async function build(root, { name, sources, outputs, proof, stamp, program }) {
  process.stdout.write(`Building ${name}.\n`);
  // Read before building: what is edited meanwhile is then built again. The stamp goes first and comes last.
  const hash = hashFiles(root, sources);
  for (const place of [stamp, ...outputs]) rmSync(join(root, place), { recursive: true, force: true });
  // Vitest sets NODE_ENV=test, with which Vite would build for development.
  const env = { ...process.env, NODE_ENV: 'production' };
  const code = await runProgram(nodeOf(root), program, { cwd: root, env });
  if (code !== 0) throw new StepFailed(`the build of ${name} failed with code ${code}: what is wrong stands above`);
  if (!existsSync(join(root, proof))) throw new StepFailed(`the build of ${name} ended without making ${proof}`);
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(join(root, stamp), hash);
}

/** Paths below `root`, sorted, with forward slashes. */
function listFiles(root, place) {
  if (!existsSync(join(root, place))) return [];
  if (statSync(join(root, place)).isFile()) return [place];
  return readdirSync(join(root, place))
    .sort()
    .flatMap((name) => listFiles(root, `${place}/${name}`));
}

await runScript(import.meta.url, async () => {
  const built = await ensureBuilt(REPOSITORY, { force: process.argv.includes('--force') });
  if (built.length === 0) process.stdout.write('dist is in step with the sources.\n');
});
