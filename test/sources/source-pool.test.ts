import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { type PooledSource, SourcePool } from '../../tiler/sources/source-pool.ts';
import { memorySource } from '../support/memory-source.ts';

const AFFINE = { a: 1, b: 0, c: 0, d: 0, e: -1, f: 0 };
const POINT = { column: 0, row: 0, columns: 1, rows: 1 };

/** Sources that note when they are opened and closed; `most` is the greatest number of files open at once. */
function watchedSources(count: number, files = 1) {
  const watch = { open: 0, most: 0, log: [] as string[] };
  const sources: PooledSource[] = Array.from({ length: count }, (_, i) => ({
    files,
    async open(): Promise<RasterSource> {
      watch.open += files;
      watch.most = Math.max(watch.most, watch.open);
      watch.log.push(`open ${i}`);
      await setTimeout(1);
      return {
        ...memorySource({ columns: 1, rows: 1, affine: AFFINE, values: [i] }),
        async close() {
          await setTimeout(1);
          watch.open -= files;
          watch.log.push(`close ${i}`);
        },
      };
    },
  }));
  return { watch, sources };
}

const readOf = (pool: SourcePool, source: PooledSource) =>
  pool.use(source, async (opened) => {
    await setTimeout(1);
    return (await opened.read(0, POINT))[0];
  });

describe('the pool of open sources', () => {
  it('never has more open than it may, whoever asks at once, and every read gets its answer', async () => {
    for (const [capacity, files] of [
      [5, 1],
      [5, 2],
      [1, 2],
    ] as const) {
      const pool = new SourcePool(capacity);
      const { watch, sources } = watchedSources(60, files);
      const asked = Array.from({ length: 300 }, (_, k) => (k * 37) % 60);
      const read = await Promise.all(asked.map((i) => readOf(pool, sources[i] ?? fail())));
      expect(read).toEqual(asked);
      // A source that needs more than there is has the pool for itself.
      expect(watch.most).toBeLessThanOrEqual(Math.max(capacity, files));
      expect(watch.most).toBeGreaterThanOrEqual(Math.min(capacity, 4));
      await Promise.all(sources.map((source) => pool.close(source)));
      expect(watch.open).toBe(0);
      expect(pool.openFiles).toBe(0);
    }
  });

  it('opens a source once for all who ask, closes the least recently read, and keeps those in use', async () => {
    const pool = new SourcePool(2);
    const { watch, sources } = watchedSources(3);
    const [a = fail(), b = fail(), c = fail()] = sources;
    await Promise.all([readOf(pool, a), readOf(pool, a), readOf(pool, b), readOf(pool, a)]);
    expect(watch.log).toEqual(['open 0', 'open 1']);
    await pool.use(b, async () => {
      await readOf(pool, a);
      await readOf(pool, c);
    });
    expect(watch.log).toEqual(['open 0', 'open 1', 'close 0', 'open 2']);
    await readOf(pool, a);
    expect(watch.log.slice(4)).toEqual(['close 1', 'open 0']);
  });

  it('gives the place back of what cannot be opened, and tries again', async () => {
    const pool = new SourcePool(1);
    const { sources } = watchedSources(1);
    let tries = 0;
    const broken: PooledSource = {
      files: 1,
      async open() {
        tries++;
        throw new Error('broken');
      },
    };
    for (let k = 0; k < 3; k++) await expect(readOf(pool, broken)).rejects.toThrow('broken');
    expect(tries).toBe(3);
    await expect(readOf(pool, sources[0] ?? fail())).resolves.toBe(0);
  });

  it('holds places for files that stay open, as long as enough are left for the others', async () => {
    const pool = new SourcePool(40);
    expect(pool.hold(8)).toBe(true);
    expect(pool.hold(1)).toBe(false);
    const { watch, sources } = watchedSources(100);
    await Promise.all(sources.map((source) => readOf(pool, source)));
    expect(watch.most).toBe(32);
    pool.release(8);
    expect(pool.hold(8)).toBe(true);
  });
});

function fail(): never {
  throw new Error('no such source');
}
