/** Runs the built command `relievo` as a user would: words in, exit code and both streams out. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY } from './test-data.ts';

const COMMAND = join(REPOSITORY, 'dist/tiler/cli/main.js');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What the command reads from standard input. */
  readonly input?: string;
  readonly cwd?: string;
}

export function relievo(args: readonly string[], { input = '', cwd }: RunOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd });
  child.stdin.end(input);
  return outcomeOf(child);
}

export interface RunningCommand {
  readonly child: ChildProcessWithoutNullStreams;
  /** A code of null: a signal ended it. */
  readonly ended: Promise<Outcome>;
}

/** Starts the command for a test that stops or kills it on its way. */
export function startRelievo(args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, [COMMAND, ...args]);
  return { child, ended: outcomeOf(child) };
}

export interface ServingCommand {
  readonly url: string;
  /** What it said until it listened. */
  readonly greeting: string;
  stop(signal?: NodeJS.Signals): Promise<Outcome>;
}

/** Starts `relievo serve` on a free port of 127.0.0.1 and waits until it listens. */
export async function relievoServe(args: readonly string[]): Promise<ServingCommand> {
  const child = spawn(process.execPath, [COMMAND, 'serve', ...args, '--port', '0']);
  const ended = outcomeOf(child);
  const lines: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      const found = line.match(/at (http:\S+?)\/ /)?.[1];
      if (found) resolve(found);
    });
    void ended.then(({ stderr }) => reject(new Error(`relievo serve ended: ${stderr}`)));
  });
  return {
    url,
    get greeting() {
      return lines.join('\n');
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}
