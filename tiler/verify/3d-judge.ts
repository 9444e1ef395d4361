/** Opens the contents of tiles, some at once, judges each, and holds the borders of terrain against those of its neighbours. */
import { type Borders3d, bordersOf3d, compareBorders3d } from './3d-border.ts';
import { asTile, type JudgedContent, judgeContent } from './3d-content.ts';
import type { JudgedFiles } from './3d-files.ts';
import type { Report } from './3d-volume.ts';
import { middleOf, type TileNode } from './3d-walk.ts';
import type { ChunkCounts } from './check-chunk.ts';
import type { EdgeName } from './decode.ts';
import type { Ledger } from './ledger.ts';
import type { OpenedTile } from './measure.ts';
import { Recent } from './recent.ts';
import { GEOGRAPHIC, type JudgedTile } from './tiling.ts';

/** Contents read at once: of an address, as many requests. */
const WIDTH = 8;
const RECENT_BORDERS = 2048;

export class Judge {
  private readonly files: JudgedFiles;
  private readonly ledger: Ledger;
  private readonly there: ReadonlySet<string> | undefined;
  private readonly isProfile: boolean;
  private readonly onGrid = new Map<string, TileNode>();
  private readonly borders = new Recent<Borders3d | undefined>(RECENT_BORDERS);

  constructor(
    files: JudgedFiles,
    ledger: Ledger,
    levels: readonly (readonly TileNode[])[],
    there: ReadonlySet<string> | undefined,
    isProfile: boolean,
  ) {
    this.files = files;
    this.ledger = ledger;
    this.there = there;
    this.isProfile = isProfile;
    for (const node of levels.flat()) if (node.grid) this.onGrid.set(keyOf(node.grid), node);
  }

  /** The tiles of terrain among them, for who measures them; none unless `measured`. */
  async chunk(
    nodes: readonly TileNode[],
    counts: ChunkCounts,
    measured: boolean,
    signal?: AbortSignal,
  ): Promise<OpenedTile[]> {
    const tiles: OpenedTile[] = [];
    for (let i = 0; i < nodes.length; i += WIDTH) {
      const some = nodes.slice(i, i + WIDTH);
      const judged = await Promise.all(some.map((node) => this.open(node, counts, signal)));
      for (const [k, { placed }] of judged.entries()) {
        const id = some[k].grid;
        if (id) this.borders.set(keyOf(id), placed && bordersOf3d(placed));
        if (id && placed && measured) tiles.push({ id, tile: asTile(placed) });
      }
    }
    for (const node of nodes) {
      if (node.grid === undefined) continue;
      const { z, x, y } = node.grid;
      await this.compare(node, 'east', { z, x: (x + 1) % GEOGRAPHIC.columns(z), y }, 'west', counts, signal);
      await this.compare(node, 'south', { z, x, y: y + 1 }, 'north', counts, signal);
    }
    return tiles;
  }

  private async open(node: TileNode, counts: ChunkCounts, signal?: AbortSignal): Promise<JudgedContent> {
    let first: JudgedContent | undefined;
    counts.opened++;
    for (const path of node.contents) {
      const report = this.reporter(node, path);
      const bytes = await this.read(path, report, signal);
      if (bytes === undefined) continue;
      counts.storedBytes += bytes.length;
      counts.plainBytes += bytes.length;
      const judged = await judgeContent(bytes, node, this.isProfile, report);
      counts.vertices += judged.vertices;
      counts.triangles += judged.triangles;
      first ??= judged;
    }
    return first ?? { vertices: 0, triangles: 0, placed: undefined };
  }

  private async read(path: string, report: Report, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.files.read(path, signal);
      // A folder's missing files are named already.
      if (bytes === undefined && this.there === undefined) report('content-missing', 'the content is not there');
      return bytes;
    } catch (error) {
      signal?.throwIfAborted();
      report('tile-unreadable', error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  private async compare(
    node: TileNode,
    edge: EdgeName,
    id: JudgedTile,
    otherEdge: EdgeName,
    counts: ChunkCounts,
    signal?: AbortSignal,
  ): Promise<void> {
    const other = this.onGrid.get(keyOf(id));
    const here = other && (await this.bordersAt(node, signal));
    const beyond = here && other && (await this.bordersAt(other, signal));
    if (!here || !beyond) return;
    counts.borders++;
    const found = compareBorders3d(here[edge], beyond[otherEdge]);
    if (found.length > 0) counts.mismatches++;
    const report = this.reporter(node, node.name);
    for (const { code, message, size } of found) report(code, `${edge} border with ${other.name}: ${message}`, size);
  }

  private bordersAt(node: TileNode, signal?: AbortSignal): Promise<Borders3d | undefined> {
    return this.borders.get(node.grid ? keyOf(node.grid) : node.name, async () => {
      const silent: Report = () => {};
      const bytes = await this.files.read(node.contents[0], signal).catch(() => undefined);
      const judged = bytes && (await judgeContent(bytes, node, false, silent));
      return judged?.placed && bordersOf3d(judged.placed);
    });
  }

  private reporter({ level, volume }: TileNode, tile: string): Report {
    return (code, message, size = 0) => this.ledger.addLevel(code, message, level, { tile, ...middleOf(volume) }, size);
  }
}

function keyOf({ z, x, y }: JudgedTile): string {
  return `${z}/${x}/${y}`;
}
