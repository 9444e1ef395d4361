/**
 * Judges a set of 3D Tiles 1.1 as a whole: the tree with its subtrees and metadata, every content, every border of terrain, the
 * server's headers, and with a source the error of the drawn surface. Shares no code with the encoder.
 */
import { VERSION } from '../version.ts';
import type { JudgedFiles } from './3d-files.ts';
import { readGlb } from './3d-glb.ts';
import { Judge } from './3d-judge.ts';
import { hasEdges } from './3d-profile.ts';
import { readTileset } from './3d-tileset.ts';
import type { Report } from './3d-volume.ts';
import { middleOf, type TileNode, type Walked, walkTileset } from './3d-walk.ts';
import { checkWeb3d } from './3d-web.ts';
import { noCounts } from './check-chunk.ts';
import { Ledger } from './ledger.ts';
import { judgeLevel, LevelMeasure, levelError } from './measure.ts';
import { pickSome } from './random.ts';
import type { LevelReport, VerifyReport } from './report-types.ts';
import { GEOGRAPHIC } from './tiling.ts';
import type { VerifyOptions } from './verify.ts';

export type Verify3dOptions = Omit<VerifyOptions, 'openForce'>;

/** Tiles along a side of what is measured at once. */
const CHUNK_SIDE = 8;
/** Blocks of the source that a chunk may read when only a sample is wanted. */
const SAMPLE_BLOCKS = 48;

/** Everything that is wrong with the set, in one report. */
export async function verifyTiles3d(files: JudgedFiles, options: Verify3dOptions = {}): Promise<VerifyReport> {
  const started = performance.now();
  const { dem, sample, seed = 1, keep, onTiles, signal } = options;
  const ledger = new Ledger(GEOGRAPHIC, keep);
  const walked = await walkTileset(files, ledger, signal);
  const { firstRelief = 0, maxErrorFactor = 1 } = walked.statement ?? {};
  const listed = await files.list();
  const there = listed && new Set(listed);
  if (there) checkFiles(there, walked, ledger);
  if (files.kind === 'url' && walked.statement) await checkWeb3d(files, walked, ledger, signal);
  const byLevel = levelsOf(walked.nodes);
  const picked = byLevel.map((nodes, z) => inChunks(sample === undefined ? nodes : pickSome(nodes, sample, seed + z)));
  const total = picked.flat(2).length;
  const judge = new Judge(files, ledger, byLevel, there, await isForProvider(files, walked, signal));
  const levels: LevelReport[] = [];
  let done = 0;
  for (const [z, chunks] of picked.entries()) {
    const opened = chunks.flat().length;
    const share = opened / Math.max(1, byLevel[z].length);
    const measure =
      dem &&
      new LevelMeasure(dem, GEOGRAPHIC, z, {
        share,
        seed: seed + z,
        ...(sample !== undefined && { mostBlocks: SAMPLE_BLOCKS }),
      });
    const counts = noCounts();
    for (const chunk of chunks) {
      signal?.throwIfAborted();
      const tiles = await judge.chunk(chunk, counts, dem !== undefined, signal);
      await measure?.addChunk(tiles, signal);
      done += chunk.length;
      onTiles?.(done, total);
    }
    const onGrid = byLevel[z].some(({ grid }) => grid !== undefined);
    const bound = onGrid
      ? GEOGRAPHIC.bound(z)
      : Math.max(0, ...byLevel[z].map(({ geometricError }) => geometricError || 0));
    const error = measure && dem && levelError(measure, bound, dem);
    if (dem && error)
      judgeLevel(
        z,
        error,
        bound,
        { factor: maxErrorFactor, nativeLevel: dem.nativeLevel, firstRelief, whole: sample === undefined },
        ledger,
      );
    levels.push({ z, tiles: byLevel[z].length, ...counts, faults: 0, bound, error });
  }
  if (dem && levels.length > 0 && levels.every(({ error }) => error === undefined))
    ledger.add('source-elsewhere', 'no sample of the source lies under a tile of terrain');
  const findings = ledger.findings();
  return {
    format: 1,
    generator: `relievo ${VERSION}`,
    sound: findings.every(({ severity }) => severity === 'note'),
    tileset: {
      place: files.place,
      kind: files.kind,
      format: '3dtiles',
      name: walked.statement?.name,
      attribution: walked.statement?.attribution,
      projection: 'EPSG:4326',
      rows: 'tms',
      bounds: boundsOf(byLevel.at(-1) ?? []),
      extensions: [],
      maxLevel: byLevel.length - 1,
      firstRelief,
      tiles: byLevel.flat().length,
      maxErrorFactor,
    },
    sampled: { perLevel: sample, seed, tiles: levels.reduce((sum, { opened }) => sum + opened, 0) },
    source: dem && { names: dem.names, datum: dem.datum, nativeLevel: dem.nativeLevel },
    levels: levels.map((level) => ({ ...level, faults: ledger.faultsAt(level.z) })),
    findings,
    seconds: (performance.now() - started) / 1000,
  };
}

/** How the tiler was told to understand the heights of its source, where the root tileset says it. */
export async function datumOf3d(files: JudgedFiles, signal?: AbortSignal): Promise<string | undefined> {
  const bytes = await files.read(files.root, signal);
  return bytes && readTileset(bytes, files.root, () => {})?.datum;
}

/** Files that are named and missing are found when they are opened, or by the walk. */
function checkFiles(there: ReadonlySet<string>, { named, nodes, statement }: Walked, ledger: Ledger): void {
  if (statement === undefined) return;
  for (const { contents, level, volume } of nodes) {
    for (const path of contents) {
      if (!there.has(path))
        ledger.addLevel('content-missing', 'the file is not there', level, { tile: path, ...middleOf(volume) }, 0);
    }
  }
  for (const path of there) {
    if (named.has(path)) continue;
    const place = { tile: path, lon: undefined, lat: undefined };
    if (/\.(glb|b3dm)$/i.test(path)) ledger.addLevel('content-unlisted', 'no tile names this file', 0, place, 0);
    if (/\.subtree$/i.test(path)) ledger.addLevel('subtree-unlisted', 'no subtree above lists this file', 0, place, 0);
  }
}

function levelsOf(nodes: readonly TileNode[]): TileNode[][] {
  const levels: TileNode[][] = [];
  for (const node of nodes) {
    if (node.contents.length === 0) continue;
    while (levels.length <= node.level) levels.push([]);
    levels[node.level].push(node);
  }
  return levels;
}

/** Squares of terrain, so that blocks of the source are read once; other tiles as they come. */
function inChunks(nodes: readonly TileNode[]): TileNode[][] {
  const chunks = new Map<string, TileNode[]>();
  for (const [i, node] of nodes.entries()) {
    const { grid } = node;
    const key = grid
      ? `${Math.floor(grid.y / CHUNK_SIDE)},${Math.floor(grid.x / CHUNK_SIDE)}`
      : `${Math.floor(i / (CHUNK_SIDE * CHUNK_SIDE))}`;
    const chunk = chunks.get(key);
    if (chunk) chunk.push(node);
    else chunks.set(key, [node]);
  }
  return [...chunks.values()];
}

/** By the first tiles that can be read: one alone may be what is broken. */
async function isForProvider(files: JudgedFiles, { nodes }: Walked, signal?: AbortSignal): Promise<boolean> {
  const silent: Report = () => {};
  for (const { contents } of nodes.filter((node) => node.grid && node.contents.length > 0).slice(0, 4)) {
    const bytes = await files.read(contents[0], signal).catch(() => undefined);
    const gltf = bytes && (await readGlb(bytes, silent));
    if (gltf && hasEdges(gltf)) return true;
  }
  return false;
}

function boundsOf(nodes: readonly TileNode[]): VerifyReport['tileset']['bounds'] {
  const regions = nodes.flatMap(({ volume }) => (volume?.kind === 'region' ? [volume] : []));
  if (regions.length === 0) return undefined;
  const edge = (pick: (a: number, b: number) => number, side: 'west' | 'south' | 'east' | 'north') =>
    regions.reduce((best, region) => pick(best, region[side]), regions[0][side]);
  return [edge(Math.min, 'west'), edge(Math.min, 'south'), edge(Math.max, 'east'), edge(Math.max, 'north')];
}
