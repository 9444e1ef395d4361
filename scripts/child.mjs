/**
 * Child processes of the set-up scripts: run one to its end, hand signals on, leave none behind. Plain JavaScript for
 * Node 18 or newer, because the first command on a fresh clone runs on whatever Node the machine has.
 */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A failure that one sentence explains; `runScript` prints it without a stack. */
export class StepFailed extends Error {}

const running = new Set();
/** Exit code to end with once a signal came: 128 + its number. */
let stopCode;

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

const PARENT = process.ppid;

function stop(code) {
  stopCode ??= code;
  // A terminal sends SIGINT to the children too, `kill` does not: SIGTERM reaches them in both cases.
  for (const child of running) child.kill('SIGTERM');
}

function handSignalsOn() {
  if (process.listenerCount('SIGTERM') > 0) return;
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => stop(code));
  if (process.env.npm_lifecycle_event === undefined) return;
  // npm hands a signal to the shell between it and this script, which may die of it without a word to us.
  const watch = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(watch);
    stop(SIGNALS.SIGTERM);
  }, 200);
  watch.unref();
}

/**
 * Runs a program to its end with this process's output; resolves with its exit code. Throws StepFailed when it cannot
 * be started, or when a signal stopped it while it did not end well by itself.
 */
export function runProgram(command, args, { cwd, env = process.env, shell = false } = {}) {
  handSignalsOn();
  if (stopCode !== undefined) return Promise.reject(new StepFailed('stopped'));
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, shell, stdio: ['ignore', 'inherit', 'inherit'] });
    running.add(child);
    child.on('error', (error) => {
      running.delete(child);
      reject(new StepFailed(`cannot run ${command}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (stopCode !== undefined && code !== 0) reject(new StepFailed('stopped'));
      else resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15));
    });
  });
}

/**
 * Runs `main` when the module at `url` is the script that was started, and ends the process: 0, or 1 with one sentence,
 * or 128 + n after signal n.
 */
export async function runScript(url, main) {
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== fileURLToPath(url)) return;
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (stopCode !== undefined) process.exitCode = stopCode;
    else {
      process.stderr.write(`relievo: ${error instanceof StepFailed ? error.message : error.stack}\n`);
      process.exitCode = 1;
    }
  }
}
