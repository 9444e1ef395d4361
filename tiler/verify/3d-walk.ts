/**
 * Walks a 3D Tiles set from its root: explicit tiles, external tilesets and implicit quadtrees alike become one list of
 * tiles with volume, error, contents and metadata. What holds tiles together is judged on the way.
 */
import { type JudgedFiles, resolvePath } from './3d-files.ts';
import type { Schema, TileFacts } from './3d-metadata.ts';
import { readSubtree } from './3d-subtree.ts';
import {
  fillTemplate3d,
  type Implicit,
  MAX_LEVELS,
  readTile,
  readTileset,
  type TileStatement,
  type TilesetStatement,
} from './3d-tileset.ts';
import {
  type Box,
  gridTile,
  type Json,
  leaves,
  type Matrix,
  type Report,
  toGeodetic,
  type Volume,
} from './3d-volume.ts';
import type { FaultCode } from './fault.ts';
import type { Ledger } from './ledger.ts';
import { GEOGRAPHIC, type JudgedTile } from './tiling.ts';

export interface TileNode {
  /** Path of its first content, else where it stands. */
  readonly name: string;
  /** Of the geographic scheme where the tile is one of its tiles, else counted from the root. */
  readonly level: number;
  readonly grid: JudgedTile | undefined;
  /** With the heights of the metadata, where there are any. */
  readonly volume: Volume | undefined;
  readonly geometricError: number;
  readonly transform: Matrix;
  /** Paths of contents that are no tilesets. */
  readonly contents: readonly string[];
  readonly facts: TileFacts | undefined;
  readonly implicit: boolean;
  readonly parent: TileNode | undefined;
  /** Whether it or an ancestor has content. */
  readonly shown: boolean;
}

export interface Walked {
  readonly nodes: readonly TileNode[];
  /** Every path that the set names. */
  readonly named: ReadonlySet<string>;
  readonly subtrees: readonly string[];
  /** What the root tileset says; undefined where it cannot be read. */
  readonly statement: TilesetStatement | undefined;
}

export async function walkTileset(files: JudgedFiles, ledger: Ledger, signal?: AbortSignal): Promise<Walked> {
  const walk = new Walk(files, ledger, signal);
  const statement = await walk.tileset(files.root, undefined, undefined, 0);
  const { nodes, named, subtrees } = walk;
  return { nodes, named, subtrees, statement };
}

class Walk {
  readonly nodes: TileNode[] = [];
  readonly named = new Set<string>();
  readonly subtrees: string[] = [];
  private readonly files: JudgedFiles;
  private readonly ledger: Ledger;
  private readonly signal: AbortSignal | undefined;

  constructor(files: JudgedFiles, ledger: Ledger, signal: AbortSignal | undefined) {
    this.files = files;
    this.ledger = ledger;
    this.signal = signal;
  }

  /** The root tileset, or an external one below `parent`. */
  async tileset(path: string, above: TileStatement | undefined, parent: TileNode | undefined, depth: number) {
    if (this.named.has(path)) return undefined;
    this.named.add(path);
    const report = this.reporter(path);
    const bytes = await this.read(path, report);
    if (bytes === undefined) {
      if (parent === undefined) report('tileset-unreadable', `there is no ${path}`);
      else report('content-missing', `the external tileset ${path} is not there`);
      return undefined;
    }
    const statement = readTileset(bytes, path, report);
    if (statement?.root === undefined) return statement;
    const whole = { error: statement.geometricError, volume: undefined };
    await this.tile(statement.root, `${path} root`, { path, above, parent, depth, whole, schema: statement.schema });
    return statement;
  }

  private async tile(
    json: Json,
    name: string,
    at: {
      path: string;
      above: TileStatement | undefined;
      parent: TileNode | undefined;
      depth: number;
      whole?: { error: number };
      schema: Schema | undefined;
    },
  ): Promise<void> {
    this.signal?.throwIfAborted();
    const { path, above, parent, depth, schema } = at;
    const report = this.reporter(name);
    const tile = readTile(json, name, above, report);
    const limit = at.whole?.error ?? above?.geometricError ?? Number.NaN;
    if (tile.geometricError > limit * (1 + 1e-9))
      report(
        'error-not-monotone',
        `geometricError is ${tile.geometricError}, ${at.whole ? 'at the top of the tileset' : "the parent's"} ${limit}`,
      );
    if (at.whole && parent && tile.geometricError > parent.geometricError * (1 + 1e-9))
      report(
        'error-not-monotone',
        `geometricError is ${tile.geometricError}, that of the tile that names the tileset ${parent.geometricError}`,
      );
    if (tile.implicit) {
      await this.quadtree(tile, tile.implicit, name, path, parent, depth, schema);
      return;
    }
    if (json.implicitTiling !== undefined) return;
    const paths = tile.contents.map((uri) => resolvePath(path, uri));
    const external = paths.filter((one) => /\.json($|\?)/i.test(one));
    const contents = paths.filter((one) => !external.includes(one));
    const node = this.add(
      {
        name: contents[0] ?? name,
        volume: tile.volume,
        tile,
        contents,
        facts: undefined,
        implicit: false,
        depth,
        parent,
        leaf: tile.children.length === 0 && external.length === 0,
      },
      report,
    );
    for (const one of external) await this.tileset(one, { ...tile, children: [] }, node, depth);
    for (const [i, child] of tile.children.entries())
      await this.tile(child, `${name}/${i}`, { path, above: tile, parent: node, depth: depth + 1, schema });
  }

  private add(
    from: {
      name: string;
      volume: Volume | undefined;
      tile: Pick<TileStatement, 'geometricError' | 'transform'>;
      contents: readonly string[];
      facts: TileFacts | undefined;
      implicit: boolean;
      depth: number;
      parent: TileNode | undefined;
      leaf: boolean;
    },
    report: Report,
  ): TileNode {
    const { volume, parent, contents, tile } = from;
    const grid = volume?.kind === 'region' ? gridTile(volume) : undefined;
    const shown = contents.length > 0 || parent?.shown === true;
    const { geometricError, transform } = tile;
    const node: TileNode = {
      name: from.name,
      level: grid?.z ?? from.depth,
      grid,
      volume,
      geometricError,
      transform,
      contents,
      facts: from.facts,
      implicit: from.implicit,
      parent,
      shown,
    };
    this.nodes.push(node);
    for (const path of contents) this.named.add(path);
    const why = volume && parent?.volume && leaves(volume, parent.volume, slackOf(node, parent));
    if (why) report('volume-not-nested', `the volume ${why}`);
    if (contents.length === 0 && from.leaf && (parent?.shown || from.facts?.occlusion))
      report('tile-without-content', 'the tile is available and has no content');
    return node;
  }

  private async quadtree(
    tile: TileStatement,
    implicit: Implicit,
    name: string,
    path: string,
    parent: TileNode | undefined,
    depth: number,
    schema: Schema | undefined,
  ): Promise<void> {
    let deepest = -1;
    let whole = true;
    const visit = async (level: number, x: number, y: number, above: (TileNode | undefined)[]): Promise<void> => {
      this.signal?.throwIfAborted();
      const subtreePath = resolvePath(path, fillTemplate3d(implicit.subtrees, level, x, y));
      this.named.add(subtreePath);
      const report = this.reporter(subtreePath, partOf(tile.volume, level, x, y), depth + level);
      const bytes = await this.read(subtreePath, report);
      if (bytes === undefined) {
        whole = false;
        report('subtree-missing', 'the subtree is listed and not there');
        return;
      }
      this.subtrees.push(subtreePath);
      const external = (uri: string) => this.read(resolvePath(subtreePath, uri), report);
      const subtree = await readSubtree(bytes, implicit.subtreeLevels, tile.contents.length, schema, external, report);
      if (subtree === undefined) {
        whole = false;
        return;
      }
      if (!subtree.hasTile(0, 0, 0)) report('subtree-parent', 'the root tile of the subtree is not available');
      let row = above;
      for (let l = 0; l < implicit.subtreeLevels; l++) {
        const side = 2 ** l;
        const next: (TileNode | undefined)[] = [];
        for (let v = 0; v < side; v++) {
          for (let u = 0; u < side; u++) {
            if (!subtree.hasTile(l, u, v)) continue;
            deepest = Math.max(deepest, level + l);
            const facts = subtree.factsOf(l, u, v);
            const at = { level: level + l, x: x * side + u, y: y * side + v };
            const contents = subtree.hasContent(l, u, v)
              ? tile.contents.map((uri) => resolvePath(path, fillTemplate3d(uri, at.level, at.x, at.y)))
              : [];
            const here = contents[0] ?? `${name} ${at.level}/${at.x}/${at.y}`;
            const volume = withHeights(partOf(tile.volume, at.level, at.x, at.y), facts);
            const above = l === 0 ? row[0] : row[(v >> 1) * (side / 2) + (u >> 1)];
            const inner = this.reporter(here, volume, depth + at.level);
            if ((facts?.leastHeight ?? Number.NaN) > (facts?.mostHeight ?? Number.NaN))
              inner(
                'height-range-inverted',
                `TILE_MINIMUM_HEIGHT ${facts?.leastHeight} is above TILE_MAXIMUM_HEIGHT ${facts?.mostHeight}`,
              );
            next[v * side + u] = this.add(
              {
                name: here,
                volume,
                tile: { ...tile, geometricError: tile.geometricError / 2 ** at.level },
                contents,
                facts,
                implicit: true,
                depth: depth + at.level,
                parent: above,
                leaf: true,
              },
              inner,
            );
          }
        }
        row = next;
      }
      const side = 2 ** implicit.subtreeLevels;
      for (let v = 0; v < side; v++) {
        for (let u = 0; u < side; u++) {
          if (!subtree.hasChild(u, v)) continue;
          if (level + implicit.subtreeLevels >= implicit.availableLevels) {
            deepest = Math.max(deepest, level + implicit.subtreeLevels);
          }
          // Levels beyond those that may be stated are counted as such, and not walked.
          if (level + implicit.subtreeLevels >= MAX_LEVELS) continue;
          await visit(level + implicit.subtreeLevels, x * side + u, y * side + v, [
            row[(v >> 1) * (side / 2) + (u >> 1)],
          ]);
        }
      }
    };
    await visit(0, 0, 0, [parent]);
    const { availableLevels } = implicit;
    if (deepest + 1 > availableLevels || (whole && deepest + 1 !== availableLevels)) {
      this.reporter(name)(
        'levels-miscounted',
        `availableLevels is ${availableLevels}, the subtrees hold ${deepest + 1} levels`,
      );
    }
  }

  private async read(path: string, report: Report): Promise<Uint8Array | undefined> {
    try {
      return await this.files.read(path, this.signal);
    } catch (error) {
      this.signal?.throwIfAborted();
      if (path === this.files.root) throw error;
      report('tile-unreadable', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  private reporter(name: string, volume?: Volume, level = 0): Report {
    return (code: FaultCode, message: string, size = 0) =>
      this.ledger.addLevel(code, message, level, { tile: name, ...middleOf(volume) }, size);
  }
}

/**
 * Metres that both may be off: their errors, or of terrain, whose leaves state none, what clients assume of the levels. None
 * where explicit tiles of terrain state their own volumes.
 */
function slackOf(node: TileNode, parent: TileNode): number {
  if (node.grid && !node.implicit) return 0;
  const errors = (parent.geometricError || 0) + (node.geometricError || 0);
  if (!node.grid || !parent.grid) return errors;
  return Math.max(errors, GEOGRAPHIC.bound(parent.grid.z) + GEOGRAPHIC.bound(node.grid.z));
}

/** Degrees; nothing where the volume is unknown. */
export function middleOf(volume: Volume | undefined): { lon: number | undefined; lat: number | undefined } {
  if (volume === undefined) return { lon: undefined, lat: undefined };
  if (volume.kind === 'region') return { lon: (volume.west + volume.east) / 2, lat: (volume.south + volume.north) / 2 };
  const { lon, lat } = toGeodetic(volume.centre);
  return { lon, lat };
}

/** Straight from the root's volume, so that nothing drifts. */
function partOf(root: Volume | undefined, level: number, x: number, y: number): Volume | undefined {
  const parts = 2 ** level;
  if (root?.kind === 'region') {
    const width = (root.east - root.west) / parts;
    const height = (root.north - root.south) / parts;
    return {
      ...root,
      west: root.west + x * width,
      east: root.west + (x + 1) * width,
      south: root.south + y * height,
      north: root.south + (y + 1) * height,
    };
  }
  if (root?.kind === 'box') {
    const [east, north, up] = root.axes;
    const along = [(2 * x + 1) / parts - 1, (2 * y + 1) / parts - 1];
    const centre = root.centre.map(
      (value, i) => value + along[0] * east[i] + along[1] * north[i],
    ) as unknown as Box['centre'];
    const shrink = (axis: Box['centre']) => axis.map((value) => value / parts) as unknown as Box['centre'];
    return { kind: 'box', centre, axes: [shrink(east), shrink(north), up] };
  }
  return root;
}

function withHeights(volume: Volume | undefined, facts: TileFacts | undefined): Volume | undefined {
  if (volume?.kind !== 'region') return volume;
  return { ...volume, least: facts?.leastHeight ?? volume.least, most: facts?.mostHeight ?? volume.most };
}
