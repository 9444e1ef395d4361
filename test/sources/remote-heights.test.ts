/** Heights read at an address are those of the file here, or there is an error: whatever the server does. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RelievoError } from '../../tiler/error.ts';
import { openSource } from '../../tiler/sources/open-source.ts';
import type { RasterSource, SampleWindow } from '../../tiler/sources/raster-source.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { type RangeFault, type RangeServer, type ServedFile, startRangeServer } from '../support/range-server.ts';
import { describeWithData } from '../support/test-data.ts';
import { describeRasterSource } from './conformance.ts';

const MAUI = 'derived/maui_srtm1_int16_cog_bigtiff.tif';
const PASSING: readonly RangeFault[] = [
  'drop',
  'drop-in-body',
  'short-body',
  'long-body',
  'less-than-asked',
  'other-range',
  'no-content-range',
  { status: 500 },
  { status: 503, headers: { 'Retry-After': '0' } },
];
const sameBytes = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

describeWithData('a COG at an address', [MAUI], (path) => {
  const bytes = readFileSync(path);
  let local: RasterSource;
  beforeAll(async () => {
    local = await openSource([path]);
  });
  afterAll(() => local.close());

  async function serve(file: ServedFile, plan?: (request: number) => RangeFault | undefined, latencyMs = 0) {
    const server = await startRangeServer({ '/dem/maui_srtm1.tif': file }, { latencyMs, ...(plan && { plan }) });
    onTestFinished(() => server.close());
    return Object.assign(server, { address: `${server.url}/dem/maui_srtm1.tif` });
  }

  async function open(server: RangeServer & { address: string }): Promise<RasterSource> {
    const source = await openSource([server.address]);
    onTestFinished(() => source.close());
    return source;
  }

  function randomWindow(random: () => number): [level: number, window: SampleWindow] {
    const level = Math.floor(random() * local.info.levels.length);
    const { columns = 0, rows = 0 } = local.info.levels[level] ?? {};
    const side = () => 1 + Math.floor(random() * 300);
    const window = {
      column: Math.floor(random() * columns) - 20,
      row: Math.floor(random() * rows) - 20,
      columns: side(),
      rows: side(),
    };
    return [level, window];
  }

  it('describes itself as the file does, and says that it is remote', async () => {
    const source = await open(await serve({ bytes, etag: '"1"' }));
    const { version, name, sheets, vertical, ...rest } = local.info;
    expect(source.info).toMatchObject({ ...rest, name: 'maui_srtm1.tif', remote: true });
    expect(source.info.vertical).toMatchObject({ datum: vertical.datum, known: 'format' });
    expect(local.info.remote).toBeUndefined();
    expect(source.info.version).not.toBe(version);
    expect([name, sheets.length]).toEqual(['maui_srtm1_int16_cog_bigtiff.tif', 1]);
  });

  it('costs one request to open, and two for samples of four tiles, at the same time', async () => {
    const server = await serve({ bytes, etag: '"1"' }, undefined, 50);
    const source = await open(server);
    expect(server.asked).toHaveLength(1);
    const window = { column: 400, row: 400, columns: 300, rows: 300 };
    expect(sameBytes(await source.read(0, window), await local.read(0, window))).toBe(true);
    expect(server.asked).toHaveLength(3);
    expect(server.mostAtOnce).toBe(2);
  });

  it('does not keep who gives up waiting for a server that says nothing', async () => {
    const server = await serve({ bytes, etag: '"1"' }, (request) => (request === 0 ? undefined : 'silence'));
    const source = await open(server);
    const signal = AbortSignal.timeout(50);
    const window = { column: 400, row: 400, columns: 300, rows: 300 };
    await expect(source.read(0, window, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('gives the same heights while a tenth of all answers are wrong in any way', async () => {
    const random = seededRandom(4);
    const faults: string[] = [];
    const server = await serve({ bytes, etag: '"1"' }, (request) => {
      const fault = request > 0 && random() < 0.1 ? PASSING[Math.floor(random() * PASSING.length)] : undefined;
      if (fault !== undefined) faults.push(JSON.stringify(fault));
      return fault;
    });
    const windows = Array.from({ length: 300 }, () => randomWindow(random));
    // Sources one after another, because one that is open for long has everything in its cache.
    for (let i = 0; i < windows.length; i += 5) {
      const source = await openSource([server.address]);
      for (const [level, window] of windows.slice(i, i + 5)) {
        const [there, here] = await Promise.all([source.read(level, window), local.read(level, window)]);
        expect(sameBytes(there, here)).toBe(true);
      }
      await source.close();
    }
    expect(new Set(faults).size).toBe(PASSING.length);
  });

  it('gives the same heights or an error when most answers are wrong', async () => {
    const random = seededRandom(5);
    const server = await serve({ bytes, etag: '"1"' }, (request) =>
      request > 0 && random() < 0.6 ? PASSING[Math.floor(random() * PASSING.length)] : undefined,
    );
    const source = await open(server);
    const counts = { right: 0, refused: 0 };
    await Promise.all(
      Array.from({ length: 80 }, async () => {
        const [level, window] = randomWindow(random);
        const there = await source.read(level, window).catch((error: unknown) => error);
        if (there instanceof Float32Array) {
          expect(sameBytes(there, await local.read(level, window))).toBe(true);
          counts.right++;
        } else {
          expect(there).toBeInstanceOf(RelievoError);
          counts.refused++;
        }
      }),
    );
    expect(counts.right).toBeGreaterThan(0);
    expect(counts.refused).toBeGreaterThan(0);
  });

  it('never mixes two states of one size', async () => {
    const random = seededRandom(6);
    // The same raster with other heights: each byte of the blocks that hold them is another.
    const other = Buffer.from(bytes).fill(0x55, 2 ** 17);
    for (let round = 0; round < 12; round++) {
      let left = Math.floor(random() * 8);
      const server = await serve({ bytes, etag: '"1"' }, () => {
        if (left-- === 0) server.files.set('/dem/maui_srtm1.tif', { bytes: other, etag: '"2"' });
        return undefined;
      });
      const source = await openSource([server.address]).catch((error: unknown) => error);
      if (source instanceof RelievoError) continue;
      const opened = source as RasterSource;
      let refused = false;
      for (let i = 0; i < 30 && !refused; i++) {
        const [level, window] = randomWindow(random);
        const there = await opened.read(level, window).catch((error: unknown) => error);
        if (there instanceof Float32Array) {
          expect(sameBytes(there, await local.read(level, window))).toBe(true);
        } else {
          expect(there).toMatchObject({ name: 'RelievoError', message: expect.stringMatching(/changed while/) });
          refused = true;
        }
      }
      await opened.close();
      expect(refused).toBe(true);
    }
  });

  describe('as a source', () => {
    let server: RangeServer;
    beforeAll(async () => {
      server = await startRangeServer({ '/maui.tif': { bytes, etag: '"1"' } });
    });
    afterAll(() => server.close());
    describeRasterSource('COG at an address', () => openSource([`${server.url}/maui.tif`]));
  });
});
