/** One flight a key, bytes within the budget: examples, and seeded sequences against a simple account of what must hold. */
import { describe, expect, it } from 'vitest';
import { TileCache } from '../../server/tile-cache.ts';

interface Work {
  readonly signal: AbortSignal;
  readonly finish: (bytes: Uint8Array | undefined) => void;
  readonly fail: (error: Error) => void;
}

/** A maker that is finished by hand; `works` are its calls. */
function byHand(): { make: (signal: AbortSignal) => Promise<Uint8Array | undefined>; works: Work[] } {
  const works: Work[] = [];
  const make = (signal: AbortSignal) =>
    new Promise<Uint8Array | undefined>((finish, fail) => {
      works.push({ signal, finish, fail });
    });
  return { make, works };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('TileCache', () => {
  it('makes a tile once for a thousand that wait, and keeps it', async () => {
    const cache = new TileCache();
    const { make, works } = byHand();
    const waiting = Array.from({ length: 1000 }, () => cache.get('a', make));
    expect(works).toHaveLength(1);
    expect(cache.flights).toBe(1);
    const bytes = Uint8Array.of(1, 2, 3);
    works[0]?.finish(bytes);
    const answers = await Promise.all(waiting);
    expect(answers.every((answer) => answer.bytes === bytes)).toBe(true);
    expect(answers.filter(({ outcome }) => outcome === 'made')).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === 'joined')).toHaveLength(999);
    expect(await cache.get('a', make)).toEqual({ bytes, outcome: 'hit' });
    expect(works).toHaveLength(1);
    expect(cache.flights).toBe(0);
  });

  it('hands a failure to all that wait, keeps none of it, and tries again', async () => {
    const cache = new TileCache();
    const { make, works } = byHand();
    const waiting = [cache.get('a', make), cache.get('a', make)];
    works[0]?.fail(new Error('first'));
    for (const one of await Promise.allSettled(waiting)) expect(one).toMatchObject({ reason: { message: 'first' } });
    const again = cache.get('a', make);
    expect(works).toHaveLength(2);
    works[1]?.finish(Uint8Array.of(7));
    expect((await again).bytes).toEqual(Uint8Array.of(7));
  });

  it('takes a maker that throws at once for a failure', async () => {
    const cache = new TileCache();
    const thrower = () => {
      throw new Error('at once');
    };
    await expect(cache.get('a', thrower)).rejects.toThrow('at once');
    expect(cache.flights).toBe(0);
  });

  it('does not keep that there is no such tile', async () => {
    const cache = new TileCache();
    expect((await cache.get('a', async () => undefined)).bytes).toBeUndefined();
    expect((await cache.get('a', async () => Uint8Array.of(1))).bytes).toEqual(Uint8Array.of(1));
  });

  it('lets one of two go without touching the other', async () => {
    const cache = new TileCache();
    const { make, works } = byHand();
    const going = new AbortController();
    const gone = cache.get('a', make, { signal: going.signal });
    const staying = cache.get('a', make);
    going.abort(new Error('closed the page'));
    await expect(gone).rejects.toThrow('closed the page');
    expect(works[0]?.signal.aborted).toBe(false);
    works[0]?.finish(Uint8Array.of(5));
    expect((await staying).bytes).toEqual(Uint8Array.of(5));
  });

  it('calls the flight off when the last has gone, and lets nobody join it then', async () => {
    const cache = new TileCache();
    const { make, works } = byHand();
    const controllers = [new AbortController(), new AbortController()];
    const gone = controllers.map(({ signal }) => cache.get('a', make, { signal }));
    for (const controller of controllers) controller.abort();
    for (const one of await Promise.allSettled(gone)) expect(one.status).toBe('rejected');
    expect(works[0]?.signal.aborted).toBe(true);
    const next = cache.get('a', make);
    expect(works).toHaveLength(2);
    expect(works[1]?.signal.aborted).toBe(false);
    works[0]?.fail(new Error('called off'));
    await settle();
    expect(cache.flights).toBe(1);
    works[1]?.finish(Uint8Array.of(2));
    expect((await next).bytes).toEqual(Uint8Array.of(2));
  });

  it('starts nothing for one that has gone already', async () => {
    const { make, works } = byHand();
    await expect(new TileCache().get('a', make, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(works).toHaveLength(0);
  });

  it('stays within its bytes, forgets what was used longest ago, and keeps no giant', async () => {
    const cache = new TileCache(10_000);
    for (let i = 0; i < 100; i++) {
      await cache.get(`tile ${i}`, async () => new Uint8Array(1000));
      await cache.get('tile 0', async () => new Uint8Array(1000));
      expect(cache.bytes).toBeLessThanOrEqual(10_000);
    }
    expect(cache.entries).toBeGreaterThan(5);
    expect((await cache.get('tile 0', async () => undefined)).outcome).toBe('hit');
    expect((await cache.get('tile 50', async () => undefined)).outcome).toBe('made');
    await cache.get('giant', async () => new Uint8Array(20_000));
    expect((await cache.get('giant', async () => undefined)).outcome).toBe('made');
    cache.clear();
    expect(cache.bytes).toBe(0);
  });

  it('counts what a part of a large buffer would hold in memory', async () => {
    const cache = new TileCache(10_000);
    const { bytes } = await cache.get('part', async () => new Uint8Array(1_000_000).subarray(0, 10));
    expect(bytes?.buffer.byteLength).toBe(10);
  });

  it('keeps nothing without bytes to keep it in, and still shares flights', async () => {
    const cache = new TileCache(0);
    const { make, works } = byHand();
    const waiting = [cache.get('a', make), cache.get('a', make)];
    works[0]?.finish(Uint8Array.of(1));
    await Promise.all(waiting);
    expect(works).toHaveLength(1);
    void cache.get('a', make);
    expect(works).toHaveLength(2);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('keeps its promises over a seeded sequence (%i)', async (seed) => {
    let state = seed * 7919;
    const below = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const keys = ['a', 'b', 'c'];
    const cache = new TileCache(3 * 1500);
    const running = new Map<string, Work[]>();
    const waiters: { key: string; abort: AbortController; settled: boolean; aborted: boolean; wrong: string }[] = [];
    const counts = { made: 0, asked: 0 };

    for (let step = 0; step < 400; step++) {
      const key = keys[below(keys.length)] ?? 'a';
      const action = below(4);
      if (action <= 1) {
        counts.asked++;
        const waiter = { key, abort: new AbortController(), settled: false, aborted: false, wrong: '' };
        waiters.push(waiter);
        const make = (signal: AbortSignal) =>
          new Promise<Uint8Array | undefined>((finish, fail) => {
            counts.made++;
            const works = running.get(key) ?? [];
            // Two flights of one key at a time: only when the earlier one has been called off.
            if (works.some((work) => !work.signal.aborted)) waiter.wrong = 'made twice at a time';
            running.set(key, [...works, { signal, finish, fail }]);
          });
        cache.get(key, make, { signal: waiter.abort.signal }).then(
          ({ bytes }) => {
            waiter.settled = true;
            if (bytes?.[0] !== key.charCodeAt(0)) waiter.wrong = 'got the bytes of another tile';
          },
          (error: unknown) => {
            waiter.settled = true;
            if (!(error instanceof Error) || (error.message !== 'made to fail' && !waiter.aborted)) {
              waiter.wrong = `left alone by ${String(error)}`;
            }
          },
        );
      } else if (action === 2) {
        const waiter = waiters.filter(({ settled }) => !settled)[below(3)];
        if (waiter) {
          waiter.aborted = true;
          waiter.abort.abort();
        }
      } else {
        const work = running.get(key)?.shift();
        if (below(3) === 0) work?.fail(new Error('made to fail'));
        else work?.finish(new Uint8Array(1000).fill(key.charCodeAt(0)));
      }
      if (below(2) === 0) await settle();
      expect(cache.bytes).toBeLessThanOrEqual(3 * 1500);
    }
    for (const [key, works] of running) {
      for (const work of works) work.finish(new Uint8Array(1000).fill(key.charCodeAt(0)));
    }
    await settle();
    expect(waiters.filter(({ settled }) => !settled)).toEqual([]);
    expect(waiters.flatMap(({ wrong }) => (wrong ? [wrong] : []))).toEqual([]);
    expect(counts.made).toBeLessThan(counts.asked);
    expect(cache.flights).toBe(0);
  });
});
