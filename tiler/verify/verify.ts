/**
 * Judges a tileset of quantized-mesh as a whole: layer.json, the tree, every tile, every border, the server's headers, and
 * with a source the error of the drawn surface. Shares no code with the encoder: own decoder, own rasteriser.
 */
import { VERSION } from '../version.ts';
import type { ChunkTile } from './check-chunk.ts';
import { checkLayer, type LayerDocument } from './check-layer.ts';
import { advertisedTiles, checkBounds, checkPresence, checkTree } from './check-presence.ts';
import { checkWeb } from './check-web.ts';
import type { Dem } from './dem.ts';
import { Ledger } from './ledger.ts';
import { addMeasureSums, judgeLevel, LevelMeasure, levelError } from './measure.ts';
import { pickSome } from './random.ts';
import type { LevelError, LevelReport, VerifyReport } from './report-types.ts';
import { TileIndex } from './tile-index.ts';
import type { TileSet } from './tile-set.ts';
import type { JudgedTile } from './tiling.ts';
import { type Chunk, type Workforce, workHere, workThrough } from './work.ts';

export interface VerifyOptions {
  /** Opened by the caller, who closes it. */
  readonly dem?: Dem | undefined;
  /** Tiles to open at each level, with their neighbours; all when absent. */
  readonly sample?: number | undefined;
  readonly seed?: number | undefined;
  /** Occurrences kept of each kind; default 20. */
  readonly keep?: number | undefined;
  /** Who does the work; by default this thread. */
  readonly openForce?: ((document: LayerDocument) => Promise<Workforce>) | undefined;
  readonly onTiles?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Tiles along a side of a chunk. */
const CHUNK_SIDE = 8;
/** Blocks of the source that a chunk may read when only a sample is wanted. */
const SAMPLE_BLOCKS = 48;

/** Everything that is wrong with the set, in one report. */
export async function verifyTileset(set: TileSet, options: VerifyOptions = {}): Promise<VerifyReport> {
  const started = performance.now();
  const { dem, sample, seed = 1, keep, openForce, onTiles, signal } = options;
  const { document, faults } = checkLayer(set.layerJson);
  const { tiling } = document;
  const ledger = new Ledger(tiling, keep);
  for (const { code, message } of faults) ledger.add(code, message);

  const listed = await set.list(document);
  const advertised = document.available && new TileIndex(tiling, advertisedTiles(document));
  const there = listed ? new TileIndex(tiling, listed) : (advertised ?? new TileIndex(tiling, []));
  if (listed) checkPresence(there, advertised, tiling, ledger);
  if (listed) await checkTemplate(set, document, there, ledger);
  checkTree(there, tiling, ledger);
  checkBounds(there, document, ledger);
  if (set.kind === 'url' && set.layerJson !== undefined) await checkWeb(set.place, document, there, ledger, signal);

  const picked = Array.from({ length: there.depth }, (_, z) => pickTiles(there, z, dem, document, sample, seed));
  // A document that calls its deepest level flat is not believed: nothing would be judged.
  const firstRelief = Math.max(0, Math.min(document.firstRelief, there.depth - 1));
  const total = picked.reduce((sum, tiles) => sum + tiles.length, 0);
  const force = await (openForce ? openForce(document) : Promise.resolve(workHere(set, document, dem, keep)));
  const levels: LevelReport[] = [];
  try {
    let done = 0;
    for (const [z, tiles] of picked.entries()) {
      const share = tiles.length / Math.max(1, there.count(z));
      const measure = { share, seed: seed + z, ...(sample !== undefined && { mostBlocks: SAMPLE_BLOCKS }) };
      const chunks = chunksOf(tiles, there, document).map((some): Chunk => ({ z, tiles: some, measure }));
      const counts = await workThrough(
        force,
        chunks,
        ledger,
        (count) => {
          done += count;
          onTiles?.(done, total);
        },
        signal,
      );
      const bound = tiling.bound(z);
      const error = await measured(z);
      if (dem && error) {
        const { maxErrorFactor: factor } = document;
        const { nativeLevel } = dem;
        judgeLevel(z, error, bound, { factor, nativeLevel, firstRelief, whole: sample === undefined }, ledger);
        const everywhere = levels[0]?.error?.samples;
        if (sample === undefined && everywhere !== undefined && error.samples < everywhere * (1 - 1e-5)) {
          const message = `level ${z}: ${error.samples} samples lie over a triangle, at level 0 ${everywhere}`;
          ledger.add('samples-uncovered', message, undefined, everywhere - error.samples);
        }
      }
      const { opened, ...sums } = counts;
      levels.push({ z, tiles: there.count(z), opened, ...sums, faults: ledger.faultsAt(z), bound, error });
    }
    if (dem) checkSourcePlace(dem, levels, there, document, ledger);
  } finally {
    await force.close();
  }

  const findings = ledger.findings();
  return {
    format: 1,
    generator: `relievo ${VERSION}`,
    sound: findings.every(({ severity }) => severity === 'note'),
    tileset: {
      place: set.place,
      kind: set.kind,
      format: 'quantized-mesh',
      name: document.name,
      attribution: document.attribution,
      projection: tiling.projection,
      rows: tiling.rowOrder,
      bounds: document.bounds,
      extensions: document.extensions,
      maxLevel: there.depth - 1,
      firstRelief,
      tiles: levels.reduce((sum, { tiles }) => sum + tiles, 0),
      maxErrorFactor: document.maxErrorFactor,
    },
    sampled: { perLevel: sample, seed, tiles: levels.reduce((sum, { opened }) => sum + opened, 0) },
    source: dem && { names: dem.names, datum: dem.datum, nativeLevel: dem.nativeLevel },
    levels: levels.map((level) => ({ ...level, faults: ledger.faultsAt(level.z) })),
    findings,
    seconds: (performance.now() - started) / 1000,
  };

  async function measured(z: number): Promise<LevelError | undefined> {
    if (!dem) return undefined;
    const level = new LevelMeasure(dem, tiling, z);
    for (const sums of await force.endLevel(z)) addMeasureSums(level.sums, sums);
    return levelError(level, tiling.bound(z), dem);
  }
}

/** Of a folder: whether what the template names is a tile that was found. */
async function checkTemplate(set: TileSet, document: LayerDocument, there: TileIndex, ledger: Ledger): Promise<void> {
  const [template] = document.templates;
  if (template === undefined || there.depth === 0) return;
  // Of the deepest level: at a root x and y may be swapped and nobody sees it.
  if (await set.follows(document, there.at(there.depth - 1, 0))) return;
  ledger.add('layer-template', `the template is ${template}, the files are z/x/y.terrain`);
}

/**
 * Whether any sample lies under the deepest tiles: near the roots every source lies under some tile. A source that was
 * measured at its native level lies right, though other places may have deeper tiles.
 */
function checkSourcePlace(
  dem: Dem,
  levels: readonly LevelReport[],
  there: TileIndex,
  { tiling }: LayerDocument,
  ledger: Ledger,
): void {
  const deepest = levels.at(-1);
  // Where no tile could be decoded there is nothing to measure.
  if (deepest === undefined || deepest.error || deepest.vertices === 0) return;
  if (levels.some(({ z, error }) => error && z >= dem.nativeLevel)) return;
  const { z, tiles, opened } = deepest;
  const boxes = [...there.tiles(z)].map((id) => tiling.box(id));
  // A few tiles may happen to lie over voids only.
  if (opened < tiles && boxes.some((box) => dem.parts.some((part) => part.blocksUnder(box).length > 0))) return;
  const reach = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  for (const { west, south, width, height } of boxes) {
    reach.west = Math.min(reach.west, west);
    reach.south = Math.min(reach.south, south);
    reach.east = Math.max(reach.east, west + width);
    reach.north = Math.max(reach.north, south + height);
  }
  const message = `no sample lies under a tile of level ${z}: the source spans ${spanText(dem.bounds)}, these tiles ${spanText(reach)}`;
  ledger.add('source-elsewhere', message);
}

/** `-157 to -155 east, 20 to 21 north`, degrees. */
function spanText({ west, south, east, north }: Dem['bounds']): string {
  const [w, s, e, n] = [west, south, east, north].map((degrees) => Number(degrees.toFixed(4)));
  return `${w} to ${e} east, ${s} to ${n} north`;
}

/** Those to open: all, or some of the level and some of those over the source. */
function pickTiles(
  there: TileIndex,
  z: number,
  dem: Dem | undefined,
  { tiling }: LayerDocument,
  sample: number | undefined,
  seed: number,
): readonly JudgedTile[] {
  const all = [...there.tiles(z)];
  if (sample === undefined || all.length <= sample) return all;
  const picked = pickSome(all, sample, seed + z);
  if (!dem) return picked;
  const over = all.filter((id) => dem.parts.some((part) => part.blocksUnder(tiling.box(id)).length > 0));
  const wanted = new Set([...picked, ...pickSome(over, sample, seed + z)]);
  return all.filter((id) => wanted.has(id));
}

/** Squares of tiles, row by row, with what is known of their neighbours. */
function chunksOf(tiles: readonly JudgedTile[], there: TileIndex, { tiling }: LayerDocument): ChunkTile[][] {
  const chunks = new Map<string, ChunkTile[]>();
  for (const { z, x, y } of tiles) {
    const key = `${Math.floor(y / CHUNK_SIDE)},${Math.floor(x / CHUNK_SIDE)}`;
    const east = there.has({ z, x: (x + 1) % tiling.columns(z), y });
    const tile = { z, x, y, east, south: there.has({ z, x, y: y + 1 }), parent: hasChild(there, { z, x, y }) };
    const chunk = chunks.get(key);
    if (chunk) chunk.push(tile);
    else chunks.set(key, [tile]);
  }
  return [...chunks.values()];
}

function hasChild(there: TileIndex, { z, x, y }: JudgedTile): boolean {
  return [0, 1, 2, 3].some((i) => there.has({ z: z + 1, x: 2 * x + (i & 1), y: 2 * y + (i >> 1) }));
}
