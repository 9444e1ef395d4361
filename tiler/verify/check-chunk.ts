/**
 * Judges tiles of one level that lie side by side: each by itself, against its parent's range of heights, and every border
 * with a neighbour to the east or south, also across the date line. What is needed of other chunks is read again.
 */
import { type Border, bordersOf, compareBorders } from './check-border.ts';
import type { LayerDocument } from './check-layer.ts';
import { compareMetadata } from './check-metadata.ts';
import { checkDecoded } from './check-tile.ts';
import { type DecodedTile, decodeTile, type EdgeName, indicesInRange, readHeightRange } from './decode.ts';
import type { Ledger } from './ledger.ts';
import type { OpenedTile } from './measure.ts';
import { Recent } from './recent.ts';
import type { TileReader } from './tile-set.ts';
import { type JudgedTile, tilePath } from './tiling.ts';

export interface ChunkTile extends JudgedTile {
  /** Whether the neighbour is there. */
  readonly east: boolean;
  readonly south: boolean;
  /** Whether it has any child. */
  readonly parent: boolean;
}

export interface ChunkCounts {
  opened: number;
  /** As stored or sent, and after gunzip. */
  storedBytes: number;
  plainBytes: number;
  vertices: number;
  triangles: number;
  /** Borders compared, and those that do not match. */
  borders: number;
  mismatches: number;
}

export function noCounts(): ChunkCounts {
  return { opened: 0, storedBytes: 0, plainBytes: 0, vertices: 0, triangles: 0, borders: 0, mismatches: 0 };
}

export function addCounts(to: ChunkCounts, from: ChunkCounts): void {
  for (const key of Object.keys(to) as (keyof ChunkCounts)[]) to[key] += from[key];
}

type Borders = Readonly<Record<EdgeName, Border>> | undefined;
type HeightRange = { readonly least: number; readonly most: number } | undefined;

const EXTENSION_OF: Readonly<Record<string, number>> = { octvertexnormals: 1, watermask: 2, metadata: 4 };

/** Tiles read at once: of an address, as many requests. */
const WIDTH = 8;
const RECENT_BORDERS = 2048;
const RECENT_PARENTS = 1024;

export class TileChecker {
  private readonly read: TileReader;
  private readonly document: LayerDocument;
  private readonly borders = new Recent<Borders>(RECENT_BORDERS);
  private readonly parents = new Recent<HeightRange>(RECENT_PARENTS);

  constructor(read: TileReader, document: LayerDocument) {
    this.read = read;
    this.document = document;
  }

  /** The chunk's tiles that could be opened, for who measures them. */
  async check(
    tiles: readonly ChunkTile[],
    counts: ChunkCounts,
    ledger: Ledger,
    signal?: AbortSignal,
  ): Promise<OpenedTile[]> {
    const opened: OpenedTile[] = [];
    for (let i = 0; i < tiles.length; i += WIDTH) {
      signal?.throwIfAborted();
      const some = tiles.slice(i, i + WIDTH);
      const bytes = await Promise.all(some.map((id) => this.readOne(id, ledger, signal)));
      for (const [k, id] of some.entries()) {
        const tile = this.judge(id, bytes[k], counts, ledger);
        if (tile) opened.push({ id, tile });
      }
    }
    for (const id of tiles) {
      await this.compareRange(id, opened, ledger, signal);
      const { tiling } = this.document;
      const east = { z: id.z, x: (id.x + 1) % tiling.columns(id.z), y: id.y };
      if (id.east) await this.compare(id, 'east', east, 'west', counts, ledger, signal);
      if (id.south) await this.compare(id, 'south', { z: id.z, x: id.x, y: id.y + 1 }, 'north', counts, ledger, signal);
    }
    return opened;
  }

  private async readOne(id: JudgedTile, ledger: Ledger, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.read(id, signal);
      if (bytes === undefined) ledger.add('tile-missing', 'the tile is advertised, but it is not there', id);
      return bytes;
    } catch (error) {
      signal?.throwIfAborted();
      ledger.add(
        'tile-unreadable',
        `the tile cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        id,
      );
      return undefined;
    }
  }

  private judge(
    id: ChunkTile,
    bytes: Uint8Array | undefined,
    counts: ChunkCounts,
    ledger: Ledger,
  ): DecodedTile | undefined {
    this.borders.set(this.keyOf(id), undefined);
    if (bytes === undefined) return undefined;
    counts.opened++;
    counts.storedBytes += bytes.length;
    const { tile, faults } = decodeTile(bytes);
    for (const { code, message, size } of faults) ledger.add(code, message, id, size);
    if (tile === undefined) return undefined;
    counts.plainBytes += tile.plainBytes;
    counts.vertices += tile.vertexCount;
    counts.triangles += tile.triangles.length / 3;
    // Codes out of range put vertices anywhere: what is said of them further on would be noise.
    if (faults.some(({ code }) => code === 'code-out-of-range')) return undefined;
    const box = this.document.tiling.box(id);
    for (const { code, message, size } of checkDecoded(tile, box)) ledger.add(code, message, id, size);
    if (this.document.readable) this.checkExtensions(tile, id, ledger);
    if (!indicesInRange(tile)) return undefined;
    this.borders.set(this.keyOf(id), bordersOf(tile));
    return tile;
  }

  private checkExtensions(tile: DecodedTile, id: ChunkTile, ledger: Ledger): void {
    const { extensions, metadataAvailability: every } = this.document;
    for (const name of extensions) {
      const wanted = EXTENSION_OF[name];
      // Metadata stand in the tiles of every n-th level only.
      if (wanted === undefined || (wanted === 4 && every !== undefined)) continue;
      if (!tile.extensions.some((extension) => extension.id === wanted)) {
        ledger.add('extension-missing', `layer.json lists ${name}, the tile has no extension ${wanted}`, id);
      }
    }
    const bringsMetadata = tile.extensions.some((extension) => extension.id === 4);
    if (every !== undefined && id.z % every === 0 && id.parent && !bringsMetadata) {
      ledger.add('metadata-missing', `metadataAvailability is ${every}, the tile has no extension 4`, id);
    }
    for (const { id: kind, payload } of tile.extensions) {
      if (!extensions.some((name) => EXTENSION_OF[name] === kind)) {
        ledger.add('extension-unlisted', `the tile has extension ${kind}, which layer.json does not list`, id);
      }
      const wrong = kind === 4 ? compareMetadata(payload, id, this.document) : undefined;
      if (wrong !== undefined) ledger.add('metadata-disagrees', wrong, id);
    }
  }

  /** Parents are drawn, and culled, in the place of children that are not loaded yet. */
  private async compareRange(
    id: JudgedTile,
    opened: readonly OpenedTile[],
    ledger: Ledger,
    signal?: AbortSignal,
  ): Promise<void> {
    const tile = opened.find((other) => other.id === id)?.tile;
    if (tile === undefined || id.z === 0) return;
    const parent = { z: id.z - 1, x: id.x >> 1, y: id.y >> 1 };
    const range = await this.parents.get(this.keyOf(parent), async () => {
      const bytes = await this.read(parent, signal).catch(() => undefined);
      return bytes && readHeightRange(bytes);
    });
    if (range === undefined) return;
    const { minimumHeight: least, maximumHeight: most } = tile;
    const beyond = Math.max(most - range.most, range.least - least);
    const { tiling, maxErrorFactor } = this.document;
    const allowed = (tiling.bound(id.z - 1) + tiling.bound(id.z)) * Math.max(1, maxErrorFactor);
    if (!(beyond > allowed) || beyond === Infinity) return;
    const heights = `${least.toFixed(2)} to ${most.toFixed(2)} m`;
    const parents = `${range.least.toFixed(2)} to ${range.most.toFixed(2)} m`;
    const message = `heights ${heights}, its parent's ${parents}: ${beyond.toFixed(2)} m beyond, ${allowed.toFixed(2)} m is what both may be off`;
    ledger.add('height-range-strays', message, id, beyond);
  }

  private async compare(
    id: JudgedTile,
    edge: EdgeName,
    other: JudgedTile,
    otherEdge: EdgeName,
    counts: ChunkCounts,
    ledger: Ledger,
    signal?: AbortSignal,
  ): Promise<void> {
    const here = await this.bordersAt(id, signal);
    const beyond = here && (await this.bordersAt(other, signal));
    if (here === undefined || beyond === undefined) return;
    counts.borders++;
    const found = compareBorders(here[edge], beyond[otherEdge]);
    if (found.length > 0) counts.mismatches++;
    for (const { code, message, size } of found) {
      const name = tilePath(other, this.document.tiling);
      ledger.add(code, `${edge} border with ${name}: ${message}`, id, size);
    }
  }

  private bordersAt(id: JudgedTile, signal?: AbortSignal): Promise<Borders> {
    return this.borders.get(this.keyOf(id), async () => {
      const bytes = await this.read(id, signal).catch(() => undefined);
      const tile = bytes && decodeTile(bytes).tile;
      return tile && indicesInRange(tile) ? bordersOf(tile) : undefined;
    });
  }

  private keyOf({ z, x, y }: JudgedTile): string {
    return `${z}/${x}/${y}`;
  }
}
