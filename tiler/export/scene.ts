/** What is written: parts in the local frame (metres east, north, up), one for each material, and what the file says of itself. */
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { LocalFrame } from './local-frame.ts';
import type { Material, Piece } from './piece.ts';

export interface ScenePart {
  /** Metres east, north and up of the origin, 3 a vertex. */
  readonly positions: Float64Array;
  readonly normals?: Float32Array | undefined;
  readonly uv?: Float32Array | undefined;
  readonly triangles: Uint32Array;
  readonly material: Material;
}

export interface Scene {
  readonly origin: LocalFrame['origin'];
  /** Degrees. */
  readonly box: LonLatBox;
  readonly parts: readonly ScenePart[];
  readonly attribution: readonly string[];
  /** The tileset's name or address. */
  readonly source: string;
}

export interface SceneMeasure {
  readonly vertices: number;
  readonly triangles: number;
  /** Square metres of the triangles, and of what they cover seen from above. */
  readonly area: number;
  readonly planArea: number;
  /** Metres of the local frame, least and greatest east, north and up. */
  readonly least: readonly number[];
  readonly greatest: readonly number[];
  readonly pictures: number;
}

/**
 * Pieces that are drawn alike become one part, in the order in which they came, without triangles of which two corners are the
 * same: other tools leave them in tiles, and programs of modelling and printing stumble over them.
 */
export function joinPieces(pieces: readonly Piece[], frame: LocalFrame): ScenePart[] {
  const groups = new Map<unknown, Map<string, Piece[]>>();
  for (const piece of pieces) {
    const { material, normals, uv } = piece;
    const group = groups.get(material.picture ?? '') ?? new Map<string, Piece[]>();
    groups.set(material.picture ?? '', group);
    const alike = `${normals ? 'n' : ''}${uv ? 't' : ''} ${material.colour} ${material.wrap}`;
    const list = group.get(alike) ?? [];
    group.set(alike, list);
    list.push(piece);
  }
  const parts = [...groups.values()].flatMap((group) => [...group.values()].map((list) => joinAlike(list, frame)));
  return parts.filter(({ triangles }) => triangles.length > 0);
}

function joinAlike(pieces: readonly Piece[], frame: LocalFrame): ScenePart {
  const [first] = pieces;
  const vertices = pieces.reduce((sum, { positions }) => sum + positions.length / 3, 0);
  const indices = pieces.reduce((sum, { triangles }) => sum + triangles.length, 0);
  const positions = new Float64Array(3 * vertices);
  const normals = first.normals && new Float32Array(3 * vertices);
  const uv = first.uv && new Float32Array(2 * vertices);
  const triangles = new Uint32Array(indices);
  let vertex = 0;
  let index = 0;
  for (const piece of pieces) {
    positions.set(frame.toLocal(piece.positions), 3 * vertex);
    if (piece.normals) normals?.set(frame.turn(piece.normals), 3 * vertex);
    if (piece.uv) uv?.set(piece.uv, 2 * vertex);
    for (let i = 0; i < piece.triangles.length; i += 3) {
      const [a, b, c] = [piece.triangles[i], piece.triangles[i + 1], piece.triangles[i + 2]];
      if (a === b || b === c || c === a) continue;
      triangles[index++] = vertex + a;
      triangles[index++] = vertex + b;
      triangles[index++] = vertex + c;
    }
    vertex += piece.positions.length / 3;
  }
  const kept = index < indices ? triangles.slice(0, index) : triangles;
  return { positions, normals, uv, triangles: kept, material: first.material };
}

export function measureScene(parts: readonly ScenePart[]): SceneMeasure {
  const least = [Infinity, Infinity, Infinity];
  const greatest = [-Infinity, -Infinity, -Infinity];
  let [vertices, triangles, area, planArea] = [0, 0, 0, 0];
  for (const part of parts) {
    const { positions: p } = part;
    vertices += p.length / 3;
    triangles += part.triangles.length / 3;
    for (let i = 0; i < p.length; i++) {
      least[i % 3] = Math.min(least[i % 3], p[i]);
      greatest[i % 3] = Math.max(greatest[i % 3], p[i]);
    }
    for (let i = 0; i < part.triangles.length; i += 3) {
      const [a, b, c] = part.triangles.subarray(i, i + 3);
      const [ux, uy, uz] = [0, 1, 2].map((k) => p[3 * b + k] - p[3 * a + k]);
      const [vx, vy, vz] = [0, 1, 2].map((k) => p[3 * c + k] - p[3 * a + k]);
      const square = ux * vy - uy * vx;
      area += Math.hypot(uy * vz - uz * vy, uz * vx - ux * vz, square) / 2;
      planArea += Math.abs(square) / 2;
    }
  }
  const pictures = new Set(parts.flatMap(({ material }) => material.picture ?? [])).size;
  return { vertices, triangles, area, planArea, least, greatest, pictures };
}

/** What stands in every file, line by line. */
export function sceneStatement({ origin, box, attribution, source }: Scene, axes: string): string[] {
  const { west, south, east, north } = box;
  return [
    'Exported by Relievo (relievo export)',
    `Origin: longitude ${origin.lon}, latitude ${origin.lat} (degrees, WGS 84), ${origin.height} m above the ellipsoid (GPS height)`,
    `Frame: local, metres, ${axes}; flat, so that the ground falls away from it with the distance`,
    `Box: west ${west}, south ${south}, east ${east}, north ${north} (degrees)`,
    `Source: ${source}`,
    ...(attribution.length > 0 ? [`Attribution: ${attribution.join('; ')}`] : []),
  ].map((line) => line.replace(/\p{Cc}+/gu, ' '));
}
