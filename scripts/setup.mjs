/**
 * Makes sure that node_modules is there, whole, and in step with package-lock.json; `npm ci` otherwise. What is
 * installed is read from npm's own record of it, so an install by hand counts. Plain JavaScript for Node 18 or newer
 * without packages: it runs before any is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram, runScript, StepFailed } from './child.mjs';
import { withLock } from './lock.mjs';

/** The checkout that this script lies in. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

const WINDOWS = process.platform === 'win32';

/** Path of the Node that the dev dependency `node` brings: what everything after the install runs with. */
export function nodeOf(root = REPOSITORY) {
  return join(root, 'node_modules', 'node', 'bin', WINDOWS ? 'node.exe' : 'node');
}

/** Why node_modules has to be installed, as the end of a sentence; undefined when it is whole and in step. */
export function findFault(root = REPOSITORY) {
  if (!existsSync(join(root, 'node_modules'))) return 'node_modules is missing';
  const wanted = readPackages(join(root, 'package-lock.json'));
  if (wanted === undefined) throw new StepFailed('package-lock.json is missing or broken: restore it with git');
  // npm writes this last: an install that was cut off has none.
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'node_modules was not installed to its end';
  return findDifference(wanted, installed) ?? findDamage(root, installed);
}

/** Installs if `findFault` finds one, saying so in a line; whether it did. */
export async function ensureInstalled(root = REPOSITORY) {
  if (findFault(root) === undefined) return false;
  return withLock(join(root, '.cache', 'setup.lock'), async () => {
    const fault = findFault(root);
    if (fault === undefined) return false;
    process.stdout.write(`Installing packages (npm ci), because ${fault}.\n`);
    await install(root);
    const left = findFault(root);
    if (left === undefined) return true;
    throw new StepFailed(`npm ci ended well, and yet ${left}: are install scripts switched off in your npm settings?`);
  });
}

async function install(root) {
  // The node_modules about to be replaced may hold the node that PATH finds first: npm must not run on that one.
  const own = join(root, 'node_modules', '.bin');
  const env = { ...process.env };
  for (const name of Object.keys(env).filter((key) => key.toUpperCase() === 'PATH')) {
    env[name] = env[name]
      .split(delimiter)
      .filter((folder) => folder !== own)
      .join(delimiter);
  }
  // NODE_ENV=production must not leave out what builds and tests need.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await runProgram('npm', args, { cwd: root, env, shell: WINDOWS });
  if (code !== 0) {
    throw new StepFailed(
      `the packages could not be installed: npm ci ended with code ${code}, and its reason stands above; ` +
        'mend that (the network, space on the disk) and give the same command again',
    );
  }
}

function readPackages(path) {
  try {
    const { packages } = JSON.parse(readFileSync(path, 'utf8'));
    return packages === undefined ? undefined : new Map(Object.entries(packages).filter(([place]) => place !== ''));
  } catch {
    return undefined;
  }
}

function findDifference(wanted, installed) {
  for (const [place, { version, integrity, optional }] of wanted) {
    const found = installed.get(place);
    if (found === undefined && optional !== true) return `${place} is not installed`;
    if (found === undefined) continue;
    if (found.version !== version) return `${place} is ${found.version} where package-lock.json says ${version}`;
    // npm notes no hash for a package of another platform that it could not see when the lock was written.
    if (integrity !== undefined && found.integrity !== integrity)
      return `${place} differs from what package-lock.json says`;
  }
  return undefined;
}

function findDamage(root, installed) {
  for (const place of installed.keys()) {
    if (!existsSync(join(root, place, 'package.json'))) return `${place} is damaged`;
  }
  if (!existsSync(join(root, 'node_modules', '.bin', WINDOWS ? 'vitest.cmd' : 'vitest'))) {
    return 'node_modules/.bin is damaged';
  }
  // Not so after a copy from a machine of another kind.
  return spawnSync(nodeOf(root), ['--version']).status === 0 ? undefined : 'node_modules/node does not run here';
}

await runScript(import.meta.url, async () => {
  if (!(await ensureInstalled())) process.stdout.write('node_modules is in step with package-lock.json.\n');
});
