/**
 * Fewer triangles for a piece of a surface: meshoptimizer's edge collapses, which keep a subset of the vertices where they
 * were. Vertices that other pieces share stay, whatever it costs, so pieces fit at every level of detail.
 */
import { MeshoptSimplifier } from 'meshoptimizer';
import { RelievoError } from '../error.ts';
import { distanceBetween } from './surface-distance.ts';

export interface SimplifyInput {
  /** 3 a vertex, metres, near 0. */
  readonly positions: Float32Array;
  /** 2 a vertex. */
  readonly uv: Float32Array;
  /** Metres of surface that a step of 1 in uv crosses: tells what a distorted picture costs. 0 where there is none. */
  readonly metresPerUv: number;
  readonly triangles: Uint32Array;
  /** 1 for a vertex that may not go. */
  readonly locked: Uint8Array;
}

export interface Simplified {
  readonly triangles: Uint32Array;
  /** No point of the one surface lies further than this from the other, metres; measured, both ways. */
  readonly error: number;
}

/** A picture that slides by a metre counts as so many metres of surface. */
const PICTURE_WEIGHT = 0.3;

/** Aims at `target` triangles and keeps more where locked vertices ask for them. `exact`: metres that count for nothing. */
export async function simplifySurface(input: SimplifyInput, target: number, exact: number): Promise<Simplified> {
  if (!MeshoptSimplifier.supported) {
    throw new RelievoError('internal', 'Surfaces are simplified by WebAssembly, which this Node does not have');
  }
  await MeshoptSimplifier.ready;
  const { positions, uv, metresPerUv, triangles, locked } = input;
  const extent = MeshoptSimplifier.getScale(positions, 3);
  const weight = extent > 0 ? (PICTURE_WEIGHT * metresPerUv) / extent : 0;
  const [kept] = MeshoptSimplifier.simplifyWithAttributes(
    triangles,
    positions,
    3,
    uv,
    2,
    [weight, weight],
    locked,
    3 * Math.max(1, Math.floor(target)),
    1,
    [],
  );
  const error = distanceBetween({ positions, triangles }, { positions, triangles: kept }, exact);
  return { triangles: kept, error };
}
