/**
 * `npm start`: from a fresh clone to a globe. Installs, builds and tiles the bundled DEM of Maui, each only if it is not
 * there or out of step, then serves viewer, terrain and catalog on PORT (8080). Ctrl-C or SIGTERM ends all of it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureBuilt, hashFiles } from './build.mjs';
import { runProgram, runScript, StepFailed } from './child.mjs';
import { ensureInstalled, nodeOf, REPOSITORY } from './setup.mjs';

const COMMAND = 'dist/tiler/cli/main.js';
const DEMO = 'out/maui';
const SHEETS = ['data/maui/N20W157.hgt.zip', 'data/maui/N20W156.hgt.zip'];
const TILE_DEMO = ['build', ...SHEETS, '--out', DEMO, '--title', 'Maui'];
/** Beside the tiles, not among them: what they were made from and by, as `describeDemo` puts it. */
const STAMP = 'out/maui.stamp';

/** The port that PORT asks for, 0..65535; 8080 when it is not set, 0 for any that is free. */
export function readPort(text) {
  if (text === undefined || text === '') return 8080;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new StepFailed(`PORT must be a whole number from 0 to 65535, not '${text}'`);
}

/** Refuses a port that cannot be listened on, before minutes are spent on what would then be served there. */
export async function refuseTakenPort(port) {
  // Everywhere, and here: some systems let a listener on one address coexist with one on all.
  for (const host of [undefined, '127.0.0.1']) {
    const code = await new Promise((resolve) => {
      const server = createServer();
      server.once('error', (error) => resolve(error.code));
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
    });
    if (code === 'EADDRINUSE') {
      throw new StepFailed(
        `port ${port} is taken by another program: stop that, or choose another, as in PORT=${port === 65535 ? 8081 : port + 1} npm start`,
      );
    }
    if (code !== undefined) {
      throw new StepFailed(`port ${port} cannot be listened on (${code}): choose another, as in PORT=8081 npm start`);
    }
  }
}

/** What the demo's tiles depend on, as text: the tiler and what it stands on, the DEM, the options. */
function describeDemo(root) {
  return `${hashFiles(root, ['tiler', 'package-lock.json', ...SHEETS])} ${TILE_DEMO.join(' ')}\n`;
}

async function ensureTiled(root) {
  const demo = describeDemo(root);
  const stamp = join(root, STAMP);
  const made = existsSync(join(root, DEMO, 'layer.json')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === demo;
  if (made) return;
  process.stdout.write(`Tiling Maui into ${DEMO}.\n`);
  rmSync(stamp, { force: true });
  rmSync(join(root, DEMO), { recursive: true, force: true });
  const code = await runProgram(nodeOf(root), [COMMAND, ...TILE_DEMO], { cwd: root });
  if (code !== 0) throw new StepFailed(`Maui could not be tiled (code ${code}): the reason stands above`);
  mkdirSync(join(root, 'out'), { recursive: true });
  writeFileSync(stamp, demo);
}

await runScript(import.meta.url, async () => {
  const port = readPort(process.env.PORT);
  await refuseTakenPort(port);
  await ensureInstalled(REPOSITORY);
  await ensureBuilt(REPOSITORY);
  await ensureTiled(REPOSITORY);
  return runProgram(nodeOf(REPOSITORY), [COMMAND, 'serve', DEMO, '--port', String(port)], { cwd: REPOSITORY });
});
