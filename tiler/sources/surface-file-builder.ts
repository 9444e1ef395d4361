/**
 * Collects the meshes of a surface's file into one: vertices and triangles one after the other, in metres east, north and
 * up, and looks at each of them for what nothing can be made of.
 */
import { RelievoError } from '../error.ts';
import type { SurfaceMaterial, UnplacedSurface } from '../geo/surface-mesh.ts';
import { MOST_NUMBERS } from './surface-file-accessors.ts';

export interface SurfacePiece {
  /** 3 a vertex, in the file's axes. */
  readonly positions: Float64Array;
  /** Units, as many; none: NaN. */
  readonly normals?: Float64Array | undefined;
  /** 2 a vertex, from the picture's upper left corner. */
  readonly uv?: Float32Array | undefined;
  readonly triangles: Uint32Array;
  /** A number that `addMaterial` gave. */
  readonly material: number;
}

export interface SurfaceBuilder {
  readonly path: string;
  readonly warnings: readonly string[];
  addMaterial(material: SurfaceMaterial): number;
  add(piece: SurfacePiece): void;
  /** Once each. */
  warn(sentence: string): void;
  fail(sentence: string): RelievoError;
  finish(): UnplacedSurface;
}

/** What is drawn where a file names no material. */
export const PLAIN_MATERIAL: SurfaceMaterial = {
  name: '',
  colour: [0.62, 0.6, 0.54, 1],
  alpha: 'OPAQUE',
  alphaCutoff: 0.5,
  doubleSided: false,
  unlit: false,
};

const MOST_MATERIALS = 65535;

export function openSurfaceBuilder(path: string, up: 'y' | 'z'): SurfaceBuilder {
  const pieces: SurfacePiece[] = [];
  let [positions, corners] = [0, 0];
  const materials: SurfaceMaterial[] = [];
  const warnings = new Set<string>();
  return {
    path,
    get warnings() {
      return [...warnings];
    },
    addMaterial(material) {
      if (materials.length === MOST_MATERIALS) throw fail(`It has more than ${MOST_MATERIALS} materials`);
      return materials.push(material) - 1;
    },
    add(piece) {
      check(piece);
      positions += piece.positions.length;
      corners += piece.triangles.length;
      if (Math.max(positions, corners) > MOST_NUMBERS) {
        const most = Math.floor(MOST_NUMBERS / 3);
        throw fail(
          `It has more than ${most} vertices or triangles, each time counted that a node shows them: cut it up`,
        );
      }
      pieces.push(piece);
    },
    warn: (sentence) => warnings.add(sentence),
    fail,
    finish,
  };

  function fail(sentence: string): RelievoError {
    return new RelievoError('input-invalid', sentence, { where: path });
  }

  function check({ positions, triangles, material }: SurfacePiece): void {
    const wrong = positions.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      throw fail(`Vertex ${Math.floor(wrong / 3)} of a mesh has a position that is no number (${positions[wrong]})`);
    }
    const count = positions.length / 3;
    const beyond = triangles.find((vertex) => vertex >= count);
    if (beyond !== undefined) throw fail(`A triangle names vertex ${beyond} of a mesh that has ${count}`);
    if (materials[material] === undefined) throw fail(`A mesh names material ${material}, which is not there`);
  }

  function finish(): UnplacedSurface {
    const vertices = pieces.reduce((sum, { positions }) => sum + positions.length / 3, 0);
    const corners = pieces.reduce((sum, { triangles }) => sum + triangles.length, 0);
    if (corners === 0) throw fail('It has no triangles: nothing can be made of points and lines');
    const positions = new Float64Array(3 * vertices);
    const normals = new Float32Array(3 * vertices).fill(NaN);
    const uv = new Float32Array(2 * vertices);
    const material = new Uint16Array(vertices);
    const triangles = new Uint32Array(corners);
    let vertex = 0;
    let corner = 0;
    for (const piece of pieces) {
      const count = piece.positions.length / 3;
      turn(piece.positions, positions, 3 * vertex);
      if (piece.normals) turn(piece.normals, normals, 3 * vertex);
      if (piece.uv) uv.set(piece.uv, 2 * vertex);
      material.fill(piece.material, vertex, vertex + count);
      for (const own of piece.triangles) triangles[corner++] = own + vertex;
      vertex += count;
    }
    return { positions, normals, uv, material, triangles, materials, origin: path };
  }

  /** From the file's axes to east, north, up. */
  function turn(from: Float64Array, to: Float64Array | Float32Array, at: number): void {
    for (let i = 0; i < from.length; i += 3) {
      to[at + i] = from[i];
      to[at + i + 1] = up === 'z' ? from[i + 1] : -from[i + 2];
      to[at + i + 2] = up === 'z' ? from[i + 2] : from[i + 1];
    }
  }
}
