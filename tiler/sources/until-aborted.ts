/** Waiting that can be given up without giving up what is waited for. */

/** The work's result, or the signal's reason as soon as it is aborted: the work is left to others who wait for it. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  // It may fail after nobody waits for it any more.
  work.catch(() => {});
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, refuse) => {
    stop = () => refuse(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
