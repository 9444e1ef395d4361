/**
 * Opens files that may hang, crash or eat memory, in a child process that is ended when they do. One child serves many
 * files; what it says of each is how the opening ended, the processor's time and the growth of resident memory.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HostileSource {
  readonly sources: readonly string[];
  /** Options of a build, as a user would give them. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

interface Cost {
  /** Greatest resident memory meanwhile, less that before, in bytes. */
  readonly grownBytes: number;
  /** Of all the process's threads: unlike the clock it does not run while other programs do. */
  readonly cpuSeconds: number;
}

export type Ending =
  | (Cost & { readonly kind: 'opened'; readonly data: number; readonly notFinite: number })
  | (Cost & { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly where: string })
  /** What came was no RelievoError. */
  | (Cost & { readonly kind: 'crashed'; readonly message: string })
  /** The child was ended, or ended itself. */
  | (Cost & { readonly kind: 'gone'; readonly message: string });

/** Wall-clock seconds after which a child that says nothing is ended: ten times the two that a file may take. */
const HARD_LIMIT_SECONDS = 20;
/** Bytes of resident memory at which it is ended before the machine suffers. */
const HARD_LIMIT_BYTES = 2 ** 30 + 2 ** 29;
const POLL_MILLISECONDS = 50;

export interface HostileOpener {
  open(source: HostileSource): Promise<Ending>;
  close(): void;
}

export function hostileOpener(): HostileOpener {
  let ready: Promise<ChildProcess> | undefined;
  return {
    async open(source) {
      ready ??= start();
      const child = await ready;
      const ending = await ask(child, source);
      if (ending.kind === 'gone') ready = undefined;
      return ending;
    },
    close() {
      void ready?.then((child) => child.kill('SIGKILL'));
      ready = undefined;
    },
  };
}

function start(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'hostile-child.ts'), { execArgv: ['--expose-gc'], stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the child that opens files ended with code ${code}`)));
  });
}

function ask(child: ChildProcess, source: HostileSource): Promise<Ending> {
  return new Promise((resolve) => {
    const began = Date.now();
    let peak = 0;
    const gone = (message: string) => {
      child.kill('SIGKILL');
      end({ kind: 'gone', message, grownBytes: peak, cpuSeconds: Number.POSITIVE_INFINITY });
    };
    const onExit = (code: number | null, signal: string | null) => gone(`ended by itself (${code ?? signal})`);
    const timer = setInterval(() => {
      peak = Math.max(peak, residentBytes(child.pid));
      if (peak > HARD_LIMIT_BYTES) gone(`ended at ${Math.round(peak / 2 ** 20)} MB`);
      else if (Date.now() - began > HARD_LIMIT_SECONDS * 1000) gone(`ended after ${HARD_LIMIT_SECONDS} s`);
    }, POLL_MILLISECONDS);
    const end = (ending: Ending) => {
      clearInterval(timer);
      child.off('exit', onExit);
      child.off('message', end);
      resolve(ending);
    };
    child.once('exit', onExit);
    child.once('message', end);
    child.send(source);
  });
}

/** 0 where there is no /proc. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096;
  } catch {
    return 0;
  }
}
