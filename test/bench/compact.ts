/**
 * Bytes of a tile against its error: all-land mountains (the North Cascades at level 14) and an island (Maui at 13) with
 * normals, for several bounds; and at the bound of every build what other orders of triangles, levels of gzip, steps of
 * heights and of normals give. The error is that of the drawn surface at every sample of the source. docs/compactness.md
 * has the table and what was made of it.
 *
 * node test/bench/compact.ts [--every N] [--save]   (one tile in N; --save appends a row for each bound to results.csv)
 */
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { gzipBytesSync } from '../../tiler/encode/gzip.ts';
import { openTerrainMaker } from '../../tiler/pyramid/terrain-maker.ts';
import { type DecodedTile, decodeTile } from '../../tiler/verify/decode.ts';
import { forEachRun, heightInRun } from '../../tiler/verify/drawn-surface.ts';
import type { Sheet } from '../../tiler/verify/sheet.ts';
import { GEOGRAPHIC, type JudgedTile } from '../../tiler/verify/tiling.ts';
import { specOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { testData } from '../support/test-data.ts';
import { readSheets } from '../verify/reference.ts';
import { reportResult } from './results.ts';
import { type Choices, ORDERS, rewriteTile } from './rewrite-tile.ts';

/** Shares of the client's bound: --max-error-factor. */
const FACTORS = [4, 2, 1, 0.75, 0.5, 0.25];

interface Made {
  readonly id: JudgedTile;
  readonly bytes: Uint8Array;
  readonly tile: DecodedTile;
}

const { values } = parseArgs({ options: { every: { type: 'string', default: '1' }, save: { type: 'boolean' } } });
const every = Number(values.every);
if (!Number.isInteger(every) || every < 1)
  throw new Error(`--every must be a whole number from 1, not ${values.every}`);

const cascades = testData('hgt/N49W121.hgt.zip');
// Columns and rows of level 14 that lie wholly inside the southern 900 rows of samples: the rest of the sheet is void.
if (cascades) await measure('North Cascades, level 14', [cascades], 14, [5371, 3710, 5460, 3730]);
else process.stdout.write('left out: the North Cascades, because there is no data folder beside the checkout\n');
await measure('Maui, level 13', MAUI_SHEETS, 13);

async function measure(name: string, sources: readonly string[], z: number, only?: readonly number[]): Promise<void> {
  const sheets = readSheets(sources);
  for (const maxErrorFactor of FACTORS) {
    const { made, wallSeconds, cpuSeconds } = await makeTiles(sources, z, maxErrorFactor, only);
    const error = errorOf(made, sheets);
    const count = made.length;
    const triangles = made.reduce((sum, { tile }) => sum + tile.triangles.length / 3, 0) / count;
    reportResult(
      {
        case: `bytes, ${name}, ${maxErrorFactor} of the bound (${triangles.toFixed(0)} triangles)${every > 1 ? `, one tile in ${every}` : ''}`,
        rounds: 1,
        wall_s_median: wallSeconds.toFixed(2),
        cpu_s_median: cpuSeconds.toFixed(2),
        tiles: count,
        tiles_per_s: (count / wallSeconds).toFixed(0),
        bytes_per_tile: meanSize(made, ({ bytes }) => gzipBytesSync(bytes)).toFixed(0),
        native_max_error_m: error.max.toFixed(2),
        native_rms_error_m: error.rms.toFixed(3),
      },
      values.save === true,
    );
    if (maxErrorFactor === 1) compare(made, sheets);
  }
}

/** The level's tiles, and the seconds that all took, reading included. */
async function makeTiles(sources: readonly string[], z: number, maxErrorFactor: number, only?: readonly number[]) {
  const maker = await openTerrainMaker(specOf(sources, { maxErrorFactor }), { hash: false });
  try {
    await maker.prepare();
    const ranges = only ? [{ x0: only[0], y0: only[1], x1: only[2], y1: only[3] }] : maker.plan()[z];
    const ids = ranges
      .flatMap(({ x0, y0, x1, y1 }) =>
        Array.from({ length: (x1 - x0 + 1) * (y1 - y0 + 1) }, (_, k) => {
          return { z, x: x0 + (k % (x1 - x0 + 1)), y: y0 + Math.floor(k / (x1 - x0 + 1)) };
        }),
      )
      .filter((_, k) => k % every === 0);
    for (const id of ids.slice(0, 100)) await maker.makeTile(id); // Warms caches and compiled code.
    const began = performance.now();
    const before = process.cpuUsage();
    const tiles: { id: JudgedTile; bytes: Uint8Array }[] = [];
    for (const id of ids) tiles.push({ id, bytes: (await maker.makeTile(id)).bytes });
    const { user, system } = process.cpuUsage(before);
    return {
      made: tiles.map(({ id, bytes }): Made => ({ id, bytes, tile: decode(bytes) })),
      wallSeconds: (performance.now() - began) / 1000,
      cpuSeconds: (user + system) / 1e6,
    };
  } finally {
    await maker.close();
  }
}

function decode(bytes: Uint8Array): DecodedTile {
  const { tile, faults } = decodeTile(bytes);
  if (tile === undefined || faults.length > 0) throw new Error(`a tile does not decode: ${JSON.stringify(faults)}`);
  return tile;
}

/** Metres between the drawn surface and the source's samples. */
function errorOf(made: readonly Pick<Made, 'id' | 'tile'>[], sheets: readonly Sheet[]): { rms: number; max: number } {
  let [count, squares, max] = [0, 0, 0];
  for (const { id, tile } of made) {
    for (const sheet of sheets) {
      forEachRun(tile, GEOGRAPHIC.box(id), sheet, 0, (run, columns) => {
        for (let column = run.from; column < run.to; column++) {
          const source = sheet.heights[run.row * sheet.columns + column];
          if (Number.isNaN(source)) continue;
          const off = Math.abs(heightInRun(run, columns, column) - source);
          count++;
          squares += off * off;
          max = Math.max(max, off);
        }
      });
    }
  }
  return { rms: Math.sqrt(squares / count), max };
}

function meanSize(made: readonly Made[], pack: (made: Made) => Uint8Array): number {
  return made.reduce((sum, one) => sum + pack(one).length, 0) / made.length;
}

/** Other choices for the same meshes, a line each. */
function compare(made: readonly Made[], sheets: readonly Sheet[]): void {
  const asMade = meanSize(made, ({ bytes }) => gzipBytesSync(bytes));
  for (const [name, order] of Object.entries(ORDERS)) say(`order: ${name}`, ({ tile }) => ({ triangles: order(tile) }));
  for (const heightStep of [0.0625, 0.125, 0.25, 0.5, 1]) say(`heights: multiples of ${heightStep} m`, { heightStep });
  for (const normalStep of [2, 4, 8]) say(`normals: multiples of ${normalStep}`, { normalStep });
  for (const level of [1, 6, 9]) {
    for (const memLevel of [4, 8]) {
      const before = process.cpuUsage();
      const size = meanSize(made, ({ bytes }) => gzipSync(bytes, { level, memLevel }));
      const each = process.cpuUsage(before).user / 1000 / made.length;
      line(`gzip: level ${level}, memLevel ${memLevel}`, size, `${each.toFixed(3)} ms of processor`);
    }
  }

  function say(name: string, choices: Choices | ((made: Made) => Choices)): void {
    const rewritten = made.map((one) => {
      const bytes = rewriteTile(one.bytes, one.tile, typeof choices === 'function' ? choices(one) : choices);
      return { ...one, bytes, tile: decode(bytes) };
    });
    const { rms } = errorOf(rewritten, sheets);
    line(
      name,
      meanSize(rewritten, ({ bytes }) => gzipBytesSync(bytes)),
      `RMS ${rms.toFixed(3)} m`,
    );
  }

  function line(name: string, size: number, more: string): void {
    const change = ((size / asMade - 1) * 100).toFixed(1);
    process.stdout.write(
      `  ${name.padEnd(36)} ${size.toFixed(0).padStart(6)} bytes ${change.padStart(6)} %  ${more}\n`,
    );
  }
}
