/**
 * Judges one quantized-mesh tile by its bytes and its address alone. Positions are ECEF metres of the
 * *quantised* u, v and height, which is what clients draw; the horizon rule is derived below, not taken from a client.
 */
import { checkMesh } from './check-mesh.ts';
import { type DecodedTile, decodeOct, decodeTile, indicesInRange, QUANTUM, vertexHeights } from './decode.ts';
import type { Fault, FaultCode } from './fault.ts';
import { GEOGRAPHIC, type JudgedTile, type TileBox, type Tiling, tilePath } from './tiling.ts';
import { angleBetween, cross, dot, length, subtract, toEcef, toScaled, upAt, type Vector } from './wgs84.ts';

/** An occlusion point at least this far (in radii of the ellipsoid) hides a tile practically only when it is hidden. */
export const FAR_POINT = 1e3;

/** Radians by which a point may hide the tile too late before it is worth a word. */
const LATE_ANGLE = 0.3;

/** Room for the rounding of another float64 computation: a millimetre, in metres and in radians seen from the centre. */
const ROUNDING_METRES = 1e-3;
const ROUNDING_ANGLE = 1e-9;

/** Every fault of the tile that `stored` holds, gzipped or not; empty for a sound one. */
export function checkTile(stored: Uint8Array, id: JudgedTile, tiling: Tiling = GEOGRAPHIC): Fault[] {
  const { tile, faults } = decodeTile(stored);
  const here = tilePath(id, tiling);
  const all = tile === undefined ? [...faults] : [...faults, ...checkDecoded(tile, tiling.box(id))];
  return all.map((fault) => ({ ...fault, tile: here }));
}

/** The same for a tile that is decoded already; without the faults of decoding and without the tile's path. */
export function checkDecoded(tile: DecodedTile, box: TileBox): Fault[] {
  const faults: Fault[] = [];
  const fault: Report = (code, message, size) => {
    faults.push({ code, message, size });
  };
  const sound = checkNumbers(tile, fault);
  if (!indicesInRange(tile)) return faults;
  checkMesh(tile, fault);
  if (!sound || tile.vertexCount === 0) return faults;
  const positions = vertexPositions(tile, box);
  checkSphere(tile, positions, fault);
  checkOcclusion(tile, box, positions, fault);
  checkExtensions(tile, box, positions, fault);
  return faults;
}

type Report = (code: FaultCode, message: string, size?: number) => void;

/** ECEF metres of every vertex. */
export function vertexPositions(tile: DecodedTile, box: TileBox): Vector[] {
  const heights = vertexHeights(tile);
  const positions: Vector[] = [];
  for (let i = 0; i < tile.vertexCount; i++) {
    positions.push(
      toEcef(box.west + (tile.u[i] / QUANTUM) * box.width, box.south + (tile.v[i] / QUANTUM) * box.height, heights[i]),
    );
  }
  return positions;
}

function checkNumbers(tile: DecodedTile, fault: Report): boolean {
  const numbers: readonly [string, number][] = [
    ...tile.centre.map((value, i): [string, number] => [`centre ${'xyz'[i]}`, value]),
    ['minimum height', tile.minimumHeight],
    ['maximum height', tile.maximumHeight],
    ...tile.sphereCentre.map((value, i): [string, number] => [`sphere centre ${'xyz'[i]}`, value]),
    ['sphere radius', tile.sphereRadius],
    ...tile.occlusionPoint.map((value, i): [string, number] => [`occlusion point ${'xyz'[i]}`, value]),
  ];
  const broken = numbers.filter(([, value]) => !Number.isFinite(value));
  if (broken.length > 0) {
    fault('header-not-finite', broken.map(([name, value]) => `${name} is ${value}`).join(', '));
    return false;
  }
  if (tile.minimumHeight > tile.maximumHeight) {
    fault('height-range-inverted', `minimum height ${tile.minimumHeight} is above maximum ${tile.maximumHeight}`);
  }
  return true;
}

function checkSphere(tile: DecodedTile, positions: readonly Vector[], fault: Report): void {
  let farthest = 0;
  for (const position of positions) {
    farthest = Math.max(farthest, length(subtract(position, tile.sphereCentre)));
  }
  if (farthest > tile.sphereRadius + ROUNDING_METRES) {
    fault(
      'sphere-open',
      `a vertex lies ${farthest} m from the sphere's centre, its radius is ${tile.sphereRadius} m`,
      farthest - tile.sphereRadius,
    );
  } else if (tile.sphereRadius > 2 * farthest + 1) {
    fault('sphere-loose', `the sphere's radius is ${tile.sphereRadius} m, the farthest vertex lies at ${farthest} m`);
  }
  const off = length(subtract(tile.centre, tile.sphereCentre));
  if (off > Math.max(tile.sphereRadius, ROUNDING_METRES)) {
    fault(
      'centre-far',
      `the centre lies ${off} m from the sphere's centre, outside it (radius ${tile.sphereRadius} m)`,
    );
  }
}

/*
 * Clients drop a tile when they deem its occlusion point P hidden behind the ellipsoid. In scaled space the ellipsoid is
 * the unit sphere, and from a point at distance q > 1 one sees the cap of the sphere of angular radius acos(1/q) about
 * its direction. Two points outside the sphere see each other exactly when their caps touch: at the limit the line
 * between them is tangent, and the angle between their directions is the sum of both radii. So P hidden implies vertex
 * Q hidden, for every viewer, exactly when Q's cap lies inside P's: angle(P, Q) + acos(1/q) <= acos(1/p). A vertex on
 * or below the ellipsoid has a cap of radius 0. The tests try the rule with random viewers.
 */
function checkOcclusion(tile: DecodedTile, box: TileBox, positions: readonly Vector[], fault: Report): void {
  const point = tile.occlusionPoint;
  const far = length(point);
  const needed = occlusionExcess(point, positions) + capRadius(far);
  const late = capRadius(far) - needed;
  if (late > LATE_ANGLE) {
    const message = `the occlusion point (${far} radii from the centre) hides the tile ${late.toFixed(2)} rad after its last vertex is gone`;
    fault('occlusion-loose', message, late);
  }
  if (far >= FAR_POINT) {
    // Over the middle of the tile's box, whatever the header calls its centre: for half a globe that may lie anywhere.
    const aside = angleBetween(point, toScaled(toEcef(box.west + box.width / 2, box.south + box.height / 2, 0)));
    if (aside > 0.01) {
      fault(
        'occlusion-hides',
        `the far occlusion point lies ${aside.toPrecision(3)} rad off the direction of the tile's middle`,
        aside,
      );
    }
    return;
  }
  const excess = occlusionExcess(point, positions);
  if (excess > ROUNDING_ANGLE) {
    fault(
      'occlusion-hides',
      `the occlusion point (${far} radii from the centre) hides a vertex that can still be seen: it comes ${excess.toPrecision(3)} rad short`,
      excess,
    );
  }
}

/** Radians by which the worst vertex can be seen past the horizon of the (scaled) point; positive is a fault. */
export function occlusionExcess(point: Vector, positions: readonly Vector[]): number {
  const reach = capRadius(length(point));
  let excess = Number.NEGATIVE_INFINITY;
  for (const position of positions) {
    const scaled = toScaled(position);
    excess = Math.max(excess, angleBetween(scaled, point) + capRadius(length(scaled)) - reach);
  }
  return excess;
}

/** acos(1/distance), without its loss of digits near 1. */
function capRadius(distance: number): number {
  return distance <= 1 ? 0 : Math.atan(Math.sqrt((distance - 1) * (distance + 1)));
}

function checkExtensions(tile: DecodedTile, box: TileBox, positions: readonly Vector[], fault: Report): void {
  for (const { id: kind, payload } of tile.extensions) {
    if (kind === 1) {
      if (payload.length !== 2 * tile.vertexCount) {
        fault(
          'extension-length',
          `${payload.length} bytes of normals for ${tile.vertexCount} vertices: expected two each`,
        );
      } else {
        checkNormals(tile, box, positions, payload, fault);
      }
    } else if (kind === 2 && payload.length !== 1 && payload.length !== 65536) {
      fault('watermask-length', `a water mask has 1 or 65536 bytes, not ${payload.length}`);
    } else if (kind === 4) {
      checkMetadata(payload, fault);
    }
  }
}

/**
 * Normals in another frame than ECEF can still point outward at a single vertex. Their mean over the tile cannot lean far
 * from the mean of the surface: whatever the mesh leaves out of the relief goes up and down again.
 */
const GREATEST_LEAN = 30;

function checkNormals(
  tile: DecodedTile,
  box: TileBox,
  positions: readonly Vector[],
  codes: Uint8Array,
  fault: Report,
): void {
  const normals: Vector[] = [];
  let inward = 0;
  for (let i = 0; i < tile.vertexCount; i++) {
    const normal = decodeOct(codes[2 * i], codes[2 * i + 1]);
    normals.push(normal);
    const up = upAt(box.west + (tile.u[i] / QUANTUM) * box.width, box.south + (tile.v[i] / QUANTUM) * box.height);
    // A byte is 2/255 wide, so a vertical face may turn just over the horizontal.
    if (dot(normal, up) < -0.012) inward++;
  }
  if (inward > 0) fault('normals-inward', `${inward} of ${normals.length} normals point into the Earth`, inward);

  let surface: Vector = [0, 0, 0];
  let given: Vector = [0, 0, 0];
  let whole = 0;
  for (let t = 0; t < tile.triangles.length; t += 3) {
    const [a, b, c] = tile.triangles.subarray(t, t + 3);
    const face = cross(subtract(positions[b], positions[a]), subtract(positions[c], positions[a]));
    const area = length(face);
    surface = add(surface, face, 1);
    whole += 3 * area;
    for (const corner of [a, b, c]) given = add(given, normals[corner], area);
  }
  // At the poles, and where one triangle spans the globe, the means say nothing.
  const middle = upAt(box.west + box.width / 2, box.south + box.height / 2);
  if (dot(surface, middle) < 0.5 * length(surface) || length(given) < 0.5 * whole) return;
  const lean = (angleBetween(surface, given) * 180) / Math.PI;
  if (lean > GREATEST_LEAN) {
    fault('normals-tilted', `the mean normal leans ${lean.toFixed(1)} degrees from the mean of the surface`, lean);
  }
}

function add(sum: Vector, term: Vector, weight: number): Vector {
  return [sum[0] + term[0] * weight, sum[1] + term[1] * weight, sum[2] + term[2] * weight];
}

function checkMetadata(payload: Uint8Array, fault: Report): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const size = payload.length < 4 ? -1 : view.getUint32(0, true);
  if (size !== payload.length - 4) {
    fault('extension-length', `metadata of ${payload.length} bytes state a JSON length of ${size}`);
    return;
  }
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload.subarray(4)));
  } catch (error) {
    fault('metadata-not-json', `metadata are not JSON: ${String(error)}`);
  }
}
