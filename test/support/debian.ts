/**
 * Finds the foreign programs that tests judge by (Chromium, GDAL, a virtual display), and installs them where that can
 * be done without asking: as root on a Debian system. Anywhere else the error says what to install.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** One at a time: test files run in parallel processes, apt does not. */
const LOCK = join(tmpdir(), 'relievo-apt.lock');

/** Absolute path of a program on PATH; undefined when there is none. */
export function findProgram(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (folder !== '' && isExecutable(path)) return path;
  }
  return undefined;
}

/**
 * Absolute path of `program`, after installing the Debian packages that hold it if need be. Throws a sentence that says
 * how to install them when that cannot be done here. May take minutes: call it in a `beforeAll`.
 */
export async function requireProgram(program: string, ...packages: readonly string[]): Promise<string> {
  const found = findProgram(program);
  if (found !== undefined) return found;
  const advice = `this test needs the program ${program}: apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined || findProgram('flock') === undefined) {
    throw new Error(`${advice} (installed by itself only for root on Debian)`);
  }
  const { code, output } = await runShell(
    'command -v "$1" >/dev/null && exit 0; shift; ' +
      'apt-get update -q && apt-get install -q -y --no-install-recommends "$@"',
    [program, ...packages],
  );
  const installed = findProgram(program);
  if (installed === undefined) throw new Error(`${advice}; apt-get ended with code ${code}:\n${output.slice(-2000)}`);
  return installed;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Runs a script under the lock; asynchronous, because a worker that is blocked for a minute is given up by vitest. */
function runShell(script: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [LOCK, 'sh', '-c', script, 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
