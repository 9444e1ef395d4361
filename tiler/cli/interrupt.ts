/** Ctrl-C and SIGTERM stop the work, let it clean up, and end the process with the code that shells expect. */

/** Exit code by signal: 128 plus its number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs work under a signal that is aborted when the user or the system says stop. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (name: keyof typeof SIGNALS) => {
    process.exitCode = SIGNALS[name];
    controller.abort(new Interrupted(name));
  };
  const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
  for (const name of names) process.once(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of names) process.off(name, stop);
  }
}

/** Says that the work was stopped from outside; what it had begun is gone. */
export class Interrupted extends Error {
  constructor(signal: string) {
    super(`stopped by ${signal}; nothing half made is left`);
  }
}
