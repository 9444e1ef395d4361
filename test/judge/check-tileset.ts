/**
 * Judges a set of tiles as a whole: what layer.json promises against what is there, the tree (roots, parents, all four
 * children), every tile by itself, and every border that two tiles of a level share, also across the date line.
 */
import { type Border, bordersOf, compareBorders } from './check-border.ts';
import { checkLayer, type LayerDocument } from './check-layer.ts';
import { checkDecoded } from './check-tile.ts';
import { type DecodedTile, decodeTile, type EdgeName, indicesInRange } from './decode.ts';
import { type Fault, type FaultCode, type JudgedTile, tilePath } from './fault.ts';
import { pickSome } from './random.ts';
import type { TileSet } from './tile-folder.ts';

export interface LevelCounts {
  readonly z: number;
  tiles: number;
  /** As stored, and after gunzip. */
  storedBytes: number;
  plainBytes: number;
  vertices: number;
  triangles: number;
  /** Faults of tiles and of the tree at this level, borders apart. */
  faults: number;
  /** Borders compared, and those that do not match. */
  borders: number;
  mismatches: number;
}

export interface TilesetJudgement {
  readonly document: LayerDocument;
  readonly levels: readonly LevelCounts[];
  /** All of them, those of the document first, then by level. */
  readonly faults: readonly Fault[];
}

export interface TilesetOptions {
  /** Tiles to open at each level, with their neighbours to the east and south; all when absent. */
  readonly sample?: number | undefined;
  readonly seed?: number | undefined;
}

const EXTENSION_OF: Readonly<Record<string, number>> = { octvertexnormals: 1, watermask: 2, metadata: 4 };

/** Judges the whole set. Existence and tree are always judged in full, the tiles' bytes as `options` say. */
export function checkTileset(set: TileSet, options: TilesetOptions = {}): TilesetJudgement {
  const { document, faults } = checkLayer(set.layerJson);
  const levels = new Map<number, LevelCounts>();
  for (const { z } of set.tiles) counts(levels, z).tiles++;
  const report = (code: FaultCode, message: string, id: JudgedTile): void => {
    faults.push({ code, message, tile: tilePath(id) });
    counts(levels, id.z).faults++;
  };
  const there = new Set(set.tiles.map(keyOf));
  checkPresence(set, document, there, report);
  checkTree(set, there, report);
  for (const z of [...levels.keys()].sort((a, b) => a - b)) {
    const all = set.tiles.filter((tile) => tile.z === z && inGrid(tile));
    const picked = options.sample === undefined ? all : pickSome(all, options.sample, (options.seed ?? 1) + z);
    checkLevel(set, picked, document, there, counts(levels, z), report, faults);
  }
  return { document, levels: [...levels.values()].sort((a, b) => a.z - b.z), faults };
}

function counts(levels: Map<number, LevelCounts>, z: number): LevelCounts {
  const known = levels.get(z);
  if (known !== undefined) return known;
  const fresh: LevelCounts = {
    z,
    tiles: 0,
    storedBytes: 0,
    plainBytes: 0,
    vertices: 0,
    triangles: 0,
    faults: 0,
    borders: 0,
    mismatches: 0,
  };
  levels.set(z, fresh);
  return fresh;
}

/** One number for an address, exact to level 24. */
function keyOf({ z, x, y }: JudgedTile): number {
  return (y * 2 ** (z + 1) + x) * 32 + z;
}

function inGrid({ z, x, y }: JudgedTile): boolean {
  return x >= 0 && x < 2 ** (z + 1) && y >= 0 && y < 2 ** z;
}

type Report = (code: FaultCode, message: string, id: JudgedTile) => void;

function checkPresence(set: TileSet, document: LayerDocument, there: ReadonlySet<number>, report: Report): void {
  for (const x of [0, 1]) {
    const root = { z: 0, x, y: 0 };
    if (!there.has(keyOf(root))) report('root-missing', 'there is no such root tile: its half never appears', root);
  }
  const { available } = document;
  const listed = new Set<number>();
  available?.forEach((ranges, z) => {
    for (const { startX, startY, endX, endY } of ranges) {
      for (let south = startY; south <= endY; south++) {
        for (let x = startX; x <= endX; x++) {
          const id = { z, x, y: 2 ** z - 1 - south };
          listed.add(keyOf(id));
          if (!there.has(keyOf(id))) report('tile-missing', 'layer.json lists the tile, but it is not there', id);
        }
      }
    }
  });
  for (const id of set.tiles) {
    if (!inGrid(id)) report('tile-outside-grid', `level ${id.z} has no such tile`, id);
    else if (available !== undefined && !listed.has(keyOf(id))) {
      report('tile-unlisted', 'the tile is there, but layer.json does not list it', id);
    }
  }
}

function checkTree(set: TileSet, there: ReadonlySet<number>, report: Report): void {
  for (const { z, x, y } of set.tiles) {
    if (z === 0) continue;
    const parent = { z: z - 1, x: x >> 1, y: y >> 1 };
    if (!there.has(keyOf(parent))) {
      report('parent-missing', `no client gets to the tile: its parent ${tilePath(parent)} is not there`, { z, x, y });
    }
    const siblings = [0, 1, 2, 3].map((i) => ({ z, x: (x & ~1) + (i & 1), y: (y & ~1) + (i >> 1) }));
    const first = siblings.find((tile) => there.has(keyOf(tile)));
    if (first === undefined || first.x !== x || first.y !== y) continue;
    const missing = siblings.filter((tile) => !there.has(keyOf(tile)));
    if (missing.length > 0) {
      report('siblings-incomplete', `of four children, ${missing.map(tilePath).join(', ')} are not there`, { z, x, y });
    }
  }
}

interface Opened {
  readonly tile: DecodedTile | undefined;
  readonly borders: Readonly<Record<EdgeName, Border>> | undefined;
}

function checkLevel(
  set: TileSet,
  picked: readonly JudgedTile[],
  document: LayerDocument,
  there: ReadonlySet<number>,
  level: LevelCounts,
  report: Report,
  faults: Fault[],
): void {
  const opened = new Map<number, Readonly<Record<EdgeName, Border>> | undefined>();
  for (const id of picked) {
    const { tile, borders } = open(id, true);
    opened.set(keyOf(id), borders);
    if (tile === undefined) continue;
    level.storedBytes += tile.storedBytes;
    level.plainBytes += tile.plainBytes;
    level.vertices += tile.vertexCount;
    level.triangles += tile.triangles.length / 3;
  }
  for (const id of picked) {
    const here = opened.get(keyOf(id));
    const columns = 2 ** (id.z + 1);
    compare(here, 'east', { z: id.z, x: (id.x + 1) % columns, y: id.y }, 'west', id);
    if (id.y + 1 < 2 ** id.z) compare(here, 'south', { z: id.z, x: id.x, y: id.y + 1 }, 'north', id);
  }

  function open(id: JudgedTile, judge: boolean): Opened {
    const bytes = set.read(id);
    if (bytes === undefined) {
      if (judge) report('truncated', 'the tile cannot be read', id);
      return { tile: undefined, borders: undefined };
    }
    const { tile, faults: found } = decodeTile(bytes);
    if (judge) {
      for (const fault of found) report(fault.code, fault.message, id);
      if (tile !== undefined) {
        for (const fault of checkDecoded(tile, id)) report(fault.code, fault.message, id);
        checkExtensionList(tile, document, id, report);
      }
    }
    const borders = tile !== undefined && indicesInRange(tile) ? bordersOf(tile) : undefined;
    return { tile, borders };
  }

  function compare(
    here: Readonly<Record<EdgeName, Border>> | undefined,
    edge: EdgeName,
    other: JudgedTile,
    otherEdge: EdgeName,
    id: JudgedTile,
  ): void {
    if (here === undefined || !there.has(keyOf(other))) return;
    if (!opened.has(keyOf(other))) opened.set(keyOf(other), open(other, false).borders);
    const beyond = opened.get(keyOf(other));
    if (beyond === undefined) return;
    level.borders++;
    const found = compareBorders(here[edge], beyond[otherEdge]);
    if (found.length > 0) level.mismatches++;
    for (const { code, message } of found) {
      faults.push({ code, message: `${edge} border with ${tilePath(other)}: ${message}`, tile: tilePath(id) });
    }
  }
}

function checkExtensionList(tile: DecodedTile, document: LayerDocument, id: JudgedTile, report: Report): void {
  for (const name of document.extensions) {
    const wanted = EXTENSION_OF[name];
    if (wanted !== undefined && !tile.extensions.some((extension) => extension.id === wanted)) {
      report('extension-missing', `layer.json lists ${name}, the tile has no extension ${wanted}`, id);
    }
  }
  for (const { id: kind } of tile.extensions) {
    if (!document.extensions.some((name) => EXTENSION_OF[name] === kind)) {
      report('extension-unlisted', `the tile has extension ${kind}, which layer.json does not list`, id);
    }
  }
}
