/** A command as a child process, with the system's own accounts of it and of its children: time, memory, open files (Linux). */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Accounts {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Greatest resident memory (VmHWM), summed over processes; threads are part of theirs. */
  readonly peakMegabytes: number;
  readonly mostOpenFiles: number;
}

export interface WatchedProcess {
  readonly child: ChildProcess;
  /** So far. */
  accounts(): Accounts;
  /** When it has ended, with what it wrote; rejects when it fails. */
  ended(): Promise<{ accounts: Accounts; output: string }>;
}

const INTERVAL_MS = 50;
/** Of /proc/PID/stat, on Linux wherever Node runs. */
const TICKS_PER_SECOND = 100;

export function watchProcess(program: string, args: readonly string[], env: NodeJS.ProcessEnv): WatchedProcess {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const peaks = new Map<number, number>();
  const ticks = new Map<number, number>();
  let mostOpenFiles = 0;
  let output = '';
  let errors = '';
  let end = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk).slice(-4000);
  });
  const look = () => {
    let open = 0;
    for (const pid of processesFrom(child.pid)) {
      // A process may end between one look and the next.
      try {
        const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        if (peak !== undefined) peaks.set(pid, Number(peak));
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        ticks.set(pid, Number(stat[11]) + Number(stat[12]));
        open += readdirSync(`/proc/${pid}/fd`).length;
      } catch {
        // The process has ended meanwhile.
      }
    }
    mostOpenFiles = Math.max(mostOpenFiles, open);
  };
  const timer = setInterval(look, INTERVAL_MS);
  const accounts = (): Accounts => ({
    seconds: ((end || performance.now()) - started) / 1000,
    cpuSeconds: sum(ticks.values()) / TICKS_PER_SECOND,
    peakMegabytes: sum(peaks.values()) / 1024,
    mostOpenFiles,
  });
  const ended = new Promise<{ accounts: Accounts; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => {
      end = performance.now();
      clearInterval(timer);
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve({ accounts: accounts(), output });
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}: ${errors}`));
    });
  });
  // Who waits later still hears of it.
  ended.catch(() => {});
  return { child, accounts, ended: () => ended };
}

/** The process and its children, and theirs. */
function processesFrom(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const found = [pid];
  for (const parent of found) {
    try {
      for (const thread of readdirSync(`/proc/${parent}/task`)) {
        const children = readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8');
        found.push(...children.split(' ').filter(Boolean).map(Number));
      }
    } catch {
      // Likewise.
    }
  }
  return found;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
