/** The work on one level's tiles, chunk by chunk: here, or on a thread that holds the set and the source for itself. */
import { addCounts, type ChunkCounts, type ChunkTile, noCounts, TileChecker } from './check-chunk.ts';
import type { LayerDocument } from './check-layer.ts';
import type { Dem } from './dem.ts';
import { KEPT, Ledger, type LedgerPage } from './ledger.ts';
import { LevelMeasure, type MeasureOptions, type MeasureSums } from './measure.ts';
import type { TileSet } from './tile-set.ts';

/** Tiles of one level that lie side by side. */
export interface Chunk {
  readonly z: number;
  readonly tiles: readonly ChunkTile[];
  readonly measure: MeasureOptions;
}

export interface ChunkReport {
  readonly counts: ChunkCounts;
  readonly page: LedgerPage;
}

export interface Workforce {
  /** Chunks that are worked on at once. */
  readonly width: number;
  check(chunk: Chunk, signal?: AbortSignal): Promise<ChunkReport>;
  /** What was measured of a level, once all its chunks are done; empty without a source. */
  endLevel(z: number): Promise<readonly MeasureSums[]>;
  close(): Promise<void>;
}

export class Worker {
  private readonly checker: TileChecker;
  private readonly document: LayerDocument;
  private readonly dem: Dem | undefined;
  private readonly keep: number;
  private readonly levels = new Map<number, LevelMeasure>();

  constructor(set: TileSet, document: LayerDocument, dem: Dem | undefined, keep = KEPT) {
    this.checker = new TileChecker(set.reader(document), document);
    this.document = document;
    this.dem = dem;
    this.keep = keep;
  }

  async check({ z, tiles, measure }: Chunk, signal?: AbortSignal): Promise<ChunkReport> {
    const { tiling } = this.document;
    const ledger = new Ledger(tiling, this.keep);
    const counts = noCounts();
    const opened = await this.checker.check(tiles, counts, ledger, signal);
    if (this.dem) {
      const level = this.levels.get(z) ?? new LevelMeasure(this.dem, tiling, z, measure);
      this.levels.set(z, level);
      await level.addChunk(opened, signal);
    }
    return { counts, page: ledger.page() };
  }

  endLevel(z: number): MeasureSums[] {
    const level = this.levels.get(z);
    this.levels.delete(z);
    return level ? [level.sums] : [];
  }
}

/** Works where it is called, one chunk at a time. */
export function workHere(set: TileSet, document: LayerDocument, dem: Dem | undefined, keep?: number): Workforce {
  const worker = new Worker(set, document, dem, keep);
  return {
    width: 1,
    check: (chunk, signal) => worker.check(chunk, signal),
    endLevel: async (z) => worker.endLevel(z),
    close: async () => {},
  };
}

/** Hands all chunks of a level out and adds up what comes back. */
export async function workThrough(
  force: Workforce,
  chunks: readonly Chunk[],
  ledger: Ledger,
  onTiles: (count: number) => void,
  signal?: AbortSignal,
): Promise<ChunkCounts> {
  const total = noCounts();
  const pages: LedgerPage[] = [];
  let next = 0;
  const hand = async (): Promise<void> => {
    while (next < chunks.length) {
      signal?.throwIfAborted();
      const at = next++;
      const { counts, page } = await force.check(chunks[at], signal);
      addCounts(total, counts);
      pages[at] = page;
      onTiles(chunks[at].tiles.length);
    }
  };
  await Promise.all(Array.from({ length: force.width }, hand));
  // In the order of the chunks, so that the same set gives the same report whoever was first.
  for (const page of pages) ledger.merge(page);
  return total;
}
