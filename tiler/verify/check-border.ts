/**
 * Judges the border that two tiles of a level share: the same vertices (compared as integers), heights equal but for the
 * rounding of each tile to its own steps, and equal normals, or light shows a seam.
 */
import { edgeAxes } from './check-mesh.ts';
import { type DecodedTile, decodeOct, EDGE_NAMES, type EdgeName, heightStep, vertexHeights } from './decode.ts';
import type { FaultCode } from './fault.ts';
import { angleBetween } from './wgs84.ts';

export interface Border {
  /** Codes along the border, ascending. */
  readonly along: Uint16Array;
  /** Metres. */
  readonly heights: Float64Array;
  /** Two bytes a vertex; undefined without extension 1. */
  readonly normals: Uint8Array | undefined;
  /** Metres between two codes of height in this tile. */
  readonly step: number;
}

/** The four borders by the vertices that lie there, whatever the tile's own edge lists say. */
export function bordersOf(tile: DecodedTile): Readonly<Record<EdgeName, Border>> {
  const heights = vertexHeights(tile);
  const normals = tile.extensions.find(({ id, payload }) => id === 1 && payload.length === 2 * tile.vertexCount);
  const borders = {} as Record<EdgeName, Border>;
  for (const name of EDGE_NAMES) {
    const { across, along, at } = edgeAxes(tile, name);
    const on: number[] = [];
    for (let i = 0; i < tile.vertexCount; i++) if (across[i] === at) on.push(i);
    on.sort((a, b) => along[a] - along[b]);
    borders[name] = {
      along: Uint16Array.from(on, (i) => along[i]),
      heights: Float64Array.from(on, (i) => heights[i]),
      normals: normals && Uint8Array.from(on.flatMap((i) => [normals.payload[2 * i], normals.payload[2 * i + 1]])),
      step: heightStep(tile),
    };
  }
  return borders;
}

/** Radians between normals whose codes are one apart: two steps of 2/255 across the diagonal. */
const NORMAL_STEP = 0.02;

export interface BorderFault {
  readonly code: FaultCode;
  readonly message: string;
  readonly size: number;
}

/** Differences between the two sides; empty when they match. */
export function compareBorders(here: Border, beyond: Border): BorderFault[] {
  const only = leftOut(here.along, beyond.along);
  const onlyBeyond = leftOut(beyond.along, here.along);
  if (only.length > 0 || onlyBeyond.length > 0 || here.along.length !== beyond.along.length) {
    const message = `${here.along.length} and ${beyond.along.length} vertices; only here at ${list(only)}, only beyond at ${list(onlyBeyond)}`;
    return [{ code: 'border-posts-differ', message, size: only.length + onlyBeyond.length }];
  }
  const faults: BorderFault[] = [];
  let worst = 0;
  let at = 0;
  for (let i = 0; i < here.heights.length; i++) {
    const gap = Math.abs(here.heights[i] - beyond.heights[i]);
    // Each side rounds to its codes, and its ends of the scale to float32.
    const magnitude = Math.max(Math.abs(here.heights[i]), Math.abs(beyond.heights[i]), 1);
    const allowed = Math.max(here.step, beyond.step) + magnitude * 2 ** -22;
    if (gap > allowed && gap > worst) {
      worst = gap;
      at = here.along[i];
    }
  }
  if (worst > 0) {
    const steps = `steps ${here.step.toPrecision(3)} and ${beyond.step.toPrecision(3)} m`;
    faults.push({
      code: 'border-heights-differ',
      message: `heights differ by up to ${worst} m at ${at} (${steps})`,
      size: worst,
    });
  }
  const apart = countNormalsApart(here, beyond);
  if (apart > 0) {
    const message = `${apart} of ${here.along.length} normals differ by more than a step of their codes`;
    faults.push({ code: 'border-normals-differ', message, size: apart });
  }
  return faults;
}

function countNormalsApart(here: Border, beyond: Border): number {
  const { normals: a } = here;
  const { normals: b } = beyond;
  if (a === undefined || b === undefined) return a === b ? 0 : here.along.length;
  let apart = 0;
  for (let i = 0; i < a.length; i += 2) {
    if (Math.abs(a[i] - b[i]) <= 1 && Math.abs(a[i + 1] - b[i + 1]) <= 1) continue;
    // Where the octahedron folds, neighbouring directions have distant codes.
    if (angleBetween(decodeOct(a[i], a[i + 1]), decodeOct(b[i], b[i + 1])) > NORMAL_STEP) apart++;
  }
  return apart;
}

function leftOut(from: Uint16Array, other: Uint16Array): number[] {
  const known = new Set(other);
  return [...from].filter((code) => !known.has(code));
}

function list(codes: readonly number[]): string {
  const shown = codes.slice(0, 5).join(', ');
  return codes.length === 0 ? 'none' : codes.length > 5 ? `${shown} and ${codes.length - 5} more` : shown;
}
