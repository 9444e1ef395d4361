/**
 * The child process in which a test opens files that may hang or eat memory: told one source at a time, it opens it by the
 * tiler's own road, reads what a build would read first, and says how that ended and what it cost. Run by `hostile.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { RelievoError } from '../../tiler/error.ts';
import { tileOptionsSchema } from '../../tiler/pyramid/options.ts';
import { openTerrainMaker, type TerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import type { Ending, HostileSource } from './hostile.ts';

/** Samples of a raster that is read as a whole; of a larger one its corners and its middle are. */
const MAX_READ = 2 ** 21;

process.on('message', (source: HostileSource) => {
  void answer(source).then((ending) => process.send?.(ending));
});
process.send?.('ready');

async function answer({ sources, options }: HostileSource): Promise<Ending> {
  globalThis.gc?.();
  const before = restartPeak();
  const cpu = process.cpuUsage();
  const outcome = await openAndRead(sources, options);
  const { user, system } = process.cpuUsage(cpu);
  return { ...outcome, grownBytes: Math.max(0, peakBytes() - before), cpuSeconds: (user + system) / 1e6 };
}

async function openAndRead(sources: readonly string[], options: HostileSource['options']) {
  let maker: TerrainMaker | undefined;
  try {
    maker = await openTerrainMaker({ sources, options: tileOptionsSchema.parse(options ?? {}) });
    maker.plan();
    maker.document('hostile');
    const { info } = maker.field;
    const [member] = maker.members;
    if (!member) throw new Error('a layer has a source');
    const { source } = member;
    const { columns, rows } = source.info.levels[0];
    let data = 0;
    let notFinite = 0;
    for (const window of windowsOf(columns, rows)) {
      for (const value of await source.read(0, window)) {
        if (Number.isFinite(value)) data++;
        else if (!Number.isNaN(value)) notFinite++;
      }
    }
    const { west, south, east, north } = info.bounds;
    const middle = await maker.field.sampleAt((west + east) / 2, (south + north) / 2);
    if (!Number.isFinite(middle.height)) notFinite++;
    return { kind: 'opened', data, notFinite } as const;
  } catch (error) {
    if (!(error instanceof RelievoError)) {
      return {
        kind: 'crashed',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } as const;
    }
    return { kind: 'refused', code: error.code, message: error.message, where: error.where ?? '' } as const;
  } finally {
    await maker?.close();
  }
}

function windowsOf(columns: number, rows: number) {
  if (columns * rows <= MAX_READ) return [{ column: 0, row: 0, columns, rows }];
  const side = 64;
  return [0, 0.5, 1].map((share) => ({
    column: Math.round(share * (columns - side)),
    row: Math.round(share * (rows - side)),
    columns: side,
    rows: side,
  }));
}

/** Sets the high-water mark of resident memory back to now (proc(5), clear_refs); bytes held now. */
function restartPeak(): number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux: the peak is then what is held at the end.
  }
  return process.memoryUsage().rss;
}

function peakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return Number(kilobytes) * 1024;
  } catch {
    return process.memoryUsage().rss;
  }
}
