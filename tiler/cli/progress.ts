/** How far a long job has come: a bar with rate and time left on a terminal, a plain line now and then elsewhere. */

export interface Progress {
  update(done: number, total: number): void;
  /** Leaves the line as it stands. */
  end(): void;
}

const BAR_CELLS = 28;
const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
/** Before so much of a rate has been seen nobody guesses the time left. */
const ESTIMATE_AFTER_MS = 3000;

export function openProgress(stream: NodeJS.WriteStream, what: string): Progress {
  const started = performance.now();
  let drawn = -Infinity;
  /** The first tiles wait for what all need, and count for nothing. */
  let first: { readonly at: number; readonly done: number } | undefined;
  let open = false;
  const pause = stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS;
  return { update, end };

  function update(done: number, total: number): void {
    const now = performance.now();
    if (done > 0) first ??= { at: now, done };
    if (now - drawn < pause && done < total) return;
    drawn = now;
    const seconds = (now - started) / 1000;
    const share = total > 0 ? done / total : 1;
    const rate = seconds > 0 ? done / seconds : 0;
    const left = secondsLeft(now, done, total);
    const estimate = left === undefined ? '' : `  ${timeLeft(left)} left`;
    const numbers = `${count(done)} of ${count(total)} ${what}  ${count(Math.round(rate))}/s${estimate}`;
    if (!stream.isTTY) {
      stream.write(`${Math.floor(share * 100)} %  ${numbers}\n`);
      return;
    }
    const full = Math.round(share * BAR_CELLS);
    stream.write(
      `\r\u001b[K${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${Math.floor(share * 100)} %  ${numbers}`,
    );
    open = true;
  }

  function secondsLeft(now: number, done: number, total: number): number | undefined {
    if (done >= total) return 0;
    if (first === undefined || now - first.at < ESTIMATE_AFTER_MS || done <= first.done) return undefined;
    return ((total - done) * (now - first.at)) / 1000 / (done - first.done);
  }

  function end(): void {
    if (open) stream.write('\n');
    open = false;
  }
}

/** A bar of the files that a source of very many is made of; fewer are looked at before anybody wonders. */
export function openScanProgress(stream: NodeJS.WriteStream): Progress['update'] {
  const progress = openProgress(stream, 'files looked at');
  return (done, total) => {
    if (total < MANY_FILES) return;
    progress.update(done, total);
    if (done === total) progress.end();
  };
}

const MANY_FILES = 1000;

/** Why nothing moves: another process is at the same work. */
export function sayWaiting(who: string): void {
  process.stderr.write(`The same is being prepared by ${who}; waiting for it.\n`);
}

/** One object a line, for machines: `{event, done, total}`. */
export function sayProgressAsJson(event: string): Progress['update'] {
  let said = 0;
  return (done, total) => {
    // A hundred lines tell a machine enough.
    if (done < total && done - said < total / 100) return;
    said = done;
    sayJson({ event, done, total });
  };
}

export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** 12345678 -> `12 345 678`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** 1234567 -> `1.2 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

function timeLeft(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.ceil(seconds - minutes * 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
