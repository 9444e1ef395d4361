/**
 * The tiles of a quantized-mesh tileset (layer.json, ours or another tool's) that cover a box: those of one level, and
 * where it has none, the deepest ones above, cut to what is missing. Rows are counted from the north here.
 */
import { RelievoError } from '../error.ts';
import { toEcef } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { checkLayer, type LayerDocument } from '../verify/check-layer.ts';
import { type DecodedTile, decodeOct, decodeTile, indicesInRange, QUANTUM, vertexHeights } from '../verify/decode.ts';
import type { JudgedTile } from '../verify/tiling.ts';
import { acceptOf, fillTemplate } from '../verify/web-tiles.ts';
import { commonBox, sidesOf, turnsOf } from './box-sides.ts';
import { clipPiece } from './clip.ts';
import { type Detail, type ExportPlan, MOST_TILES, tooManyTiles, USUAL_TILES } from './export-plan.ts';
import { type Piece, PLAIN } from './piece.ts';
import { nameOf, type Place, referTo } from './place.ts';

/** A tile, and the boxes of it that are used: where its children take over the others, not all of it. */
interface Use {
  readonly id: JudgedTile;
  readonly boxes: LonLatBox[];
}

const DEEPEST = 30;
const NORMALS = 1;

export async function planQuantizedMesh(
  place: Place,
  url: URL,
  text: string,
  box: LonLatBox,
  detail: Detail,
  signal: AbortSignal,
): Promise<ExportPlan> {
  const { document } = checkLayer(text);
  requireMesh(place, text, document);
  const { tiling } = document;
  const cached = new Map<string, Promise<Uint8Array | undefined>>();
  const missing: string[] = [];
  const level = await chooseLevel();
  const uses = await usesAt(level);
  const levels = uses.map(({ id }) => id.z);
  const least = Math.min(...levels);
  const coarser = levels.filter((z) => z < level).length;
  return {
    kind: 'quantized-mesh',
    levels: [least, Math.max(...levels)],
    errorMetres: tiling.bound(least) * document.maxErrorFactor,
    tiles: uses.length,
    skirts: () => 'none: tiles of quantized-mesh have no skirts',
    attribution: () => (document.attribution ? [document.attribution] : []),
    warnings: () => [
      ...(coarser > 0
        ? [`${coarser} of ${uses.length} tiles are of a level before ${level}, because there is none of that level`]
        : []),
      ...(missing.length > 0
        ? [`${missing.length} tiles that layer.json lists are not there, ${missing[0]} the first: run relievo verify`]
        : []),
    ],
    parts: uses.map((use) => (stop) => readUse(use, stop)),
  };

  /** By the error that clients assume of a level, or the finest one that is there and not too much. */
  async function chooseLevel(): Promise<number> {
    const { level, maxError } = detail;
    const deepest = deepestLevel(document) ?? (await probeDeepest());
    if (level !== undefined) {
      if (level <= deepest) return level;
      const message = `--level must be at most ${deepest}, the deepest level of the tileset, not ${level}`;
      throw new RelievoError('usage', message);
    }
    if (maxError !== undefined) {
      for (let z = 0; z < deepest; z++) if (tiling.bound(z) * document.maxErrorFactor <= maxError) return z;
      return deepest;
    }
    for (let z = 1; z <= deepest; z++) if (tilesWithin(z) > USUAL_TILES) return z - 1;
    return deepest;
  }

  /** Tiles that a level would have within the box if it had them all. */
  function tilesWithin(z: number): number {
    const { width } = tiling.box({ z, x: 0, y: 0 });
    const columns = Math.ceil((box.east - box.west) / width);
    const rows = tiling.tileAt(z, 0, box.south).y - tiling.tileAt(z, 0, box.north).y + 1;
    return columns * rows;
  }

  /** Where no document tells what there is: down from the roots, as long as there is a tile in the middle of the box. */
  async function probeDeepest(): Promise<number> {
    const [lon, lat] = [(box.west + box.east) / 2, (box.south + box.north) / 2];
    for (let z = 0; z <= DEEPEST; z++) {
      if (!(await read(tiling.tileAt(z, lon, lat), signal))) return Math.max(0, z - 1);
    }
    return DEEPEST;
  }

  async function usesAt(level: number): Promise<Use[]> {
    const uses = new Map<string, Use>();
    const use = (id: JudgedTile, part: LonLatBox) => {
      const key = `${id.z}/${id.x}/${id.y}`;
      const before = uses.get(key);
      if (before) before.boxes.push(part);
      else uses.set(key, { id, boxes: [part] });
      if (uses.size > MOST_TILES) throw tooManyTiles(place.shown);
    };
    const descend = async (id: JudgedTile, part: LonLatBox): Promise<void> => {
      if (id.z === level) return use(id, part);
      const children = [0, 1, 2, 3].map((k) => ({ z: id.z + 1, x: 2 * id.x + (k & 1), y: 2 * id.y + (k >> 1) }));
      const found: { child: JudgedTile; within: LonLatBox; there: boolean }[] = [];
      for (const child of children) {
        const within = commonBox(part, boxOf(child));
        if (within) found.push({ child, within, there: await exists(child) });
      }
      if (!found.some(({ there }) => there)) return use(id, part);
      for (const { child, within, there } of found) {
        if (there) await descend(child, within);
        else use(id, within);
      }
    };
    for (let x = 0; x < tiling.columns(0); x++) {
      const root = { z: 0, x, y: 0 };
      for (const turned of turnsOf(box)) {
        const within = commonBox(turned, boxOf(root));
        if (within && (await exists(root))) await descend(root, within);
      }
    }
    return [...uses.values()];
  }

  function boxOf(id: JudgedTile): LonLatBox {
    const { west, south, width, height } = tiling.box(id);
    return { west, south, east: west + width, north: south + height };
  }

  async function exists(id: JudgedTile): Promise<boolean> {
    const { available } = document;
    if (available === undefined || document.metadataAvailability !== undefined) {
      return (await read(id, signal)) !== undefined;
    }
    const row = tiling.rows(id.z) - 1 - id.y;
    return (available[id.z] ?? []).some(
      ({ startX, startY, endX, endY }) => startX <= id.x && id.x <= endX && startY <= row && row <= endY,
    );
  }

  /** Bytes of tiles that were looked at to see whether they are there wait for their use. */
  function read(id: JudgedTile, stop: AbortSignal): Promise<Uint8Array | undefined> {
    const name = fillTemplate(document.templates[0] ?? '{z}/{x}/{y}.terrain', document, id);
    const waiting =
      cached.get(name) ?? place.read(referTo(place, url, name), { accept: acceptOf(document), signal: stop });
    cached.set(name, waiting);
    return waiting;
  }

  async function readUse({ id, boxes }: Use, stop: AbortSignal): Promise<Piece[]> {
    const name = fillTemplate(document.templates[0] ?? '', document, id);
    const bytes = await read(id, stop);
    cached.delete(name);
    if (bytes === undefined) {
      missing.push(`${id.z}/${id.x}/${tiling.fileRow(id.z, id.y)}`);
      if (id.z === 0) return [];
      return readUse({ id: { z: id.z - 1, x: id.x >> 1, y: id.y >> 1 }, boxes }, stop);
    }
    const piece = pieceOf(place, nameOf(referTo(place, url, name)), bytes, boxOf(id));
    return boxes.flatMap((part) => clipPiece(piece, sidesOf(part, boxOf(id))) ?? []);
  }
}

function deepestLevel({ available, metadataAvailability }: LayerDocument): number | undefined {
  if (available === undefined || metadataAvailability !== undefined) return undefined;
  return Math.max(
    0,
    available.findLastIndex((ranges) => ranges.length > 0),
  );
}

function requireMesh(place: Place, text: string, { readable, templates }: LayerDocument): void {
  const refuse = (code: 'input-invalid' | 'input-unsupported', message: string) =>
    new RelievoError(code, message, { where: place.shown });
  if (!readable) throw refuse('input-invalid', 'layer.json is no JSON object; run relievo verify.');
  const { format, parentUrl } = JSON.parse(text) as Record<string, unknown>;
  if (typeof format === 'string' && !format.startsWith('quantized-mesh')) {
    throw refuse('input-unsupported', `The tiles are ${format}; only quantized-mesh-1.0 is read here.`);
  }
  if (templates.length === 0) throw refuse('input-invalid', 'layer.json names no tiles; run relievo verify.');
  if (parentUrl !== undefined && checkLayer(text).document.available?.every((ranges) => ranges.length === 0)) {
    throw refuse('input-unsupported', 'The tiles lie at the parentUrl of layer.json: export that address.');
  }
}

function pieceOf(place: Place, name: string, bytes: Uint8Array, box: LonLatBox): Piece {
  const { tile, faults } = decodeTile(bytes);
  if (!tile || !indicesInRange(tile)) {
    const why = faults[0]?.message ?? 'its indices lead beyond its vertices';
    throw new RelievoError('input-invalid', `${name} is broken: ${why}. Run relievo verify, and get the tile again.`, {
      where: place.shown,
    });
  }
  const heights = vertexHeights(tile);
  const positions = new Float64Array(3 * tile.vertexCount);
  for (let i = 0; i < tile.vertexCount; i++) {
    const lon = box.west + (tile.u[i] / QUANTUM) * (box.east - box.west);
    const lat = box.south + (tile.v[i] / QUANTUM) * (box.north - box.south);
    toEcef(lon, lat, heights[i], positions, 3 * i);
  }
  return { positions, normals: normalsOf(tile), triangles: tile.triangles, material: PLAIN };
}

function normalsOf({ extensions, vertexCount }: DecodedTile): Float32Array | undefined {
  const payload = extensions.find(({ id }) => id === NORMALS)?.payload;
  if (payload?.length !== 2 * vertexCount) return undefined;
  const normals = new Float32Array(3 * vertexCount);
  for (let i = 0; i < vertexCount; i++) normals.set(decodeOct(payload[2 * i], payload[2 * i + 1]), 3 * i);
  return normals;
}
