/** A sphere round points in ECEF metres: the smaller of Ritter's and the one round the middle of the box. */

export interface Sphere {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Metres. */
  readonly radius: number;
}

/** Encloses all of X, Y, Z triples, with a margin for the rounding of single-precision clients. At least one point. */
export function boundSphere(points: Float64Array): Sphere {
  const box = boxCentre(points);
  const fromBox = { ...box, radius: farthest(points, box) };
  const fromRitter = ritter(points);
  const best = fromRitter.radius < fromBox.radius ? fromRitter : fromBox;
  return { ...best, radius: best.radius * (1 + 1e-9) + 1e-3 };
}

interface Point {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

function boxCentre(points: Float64Array): Point {
  let minX = Infinity;
  let minY = Infinity;
  let minZ = Infinity;
  let maxX = -Infinity;
  let maxY = -Infinity;
  let maxZ = -Infinity;
  for (let i = 0; i < points.length; i += 3) {
    minX = Math.min(minX, points[i]);
    maxX = Math.max(maxX, points[i]);
    minY = Math.min(minY, points[i + 1]);
    maxY = Math.max(maxY, points[i + 1]);
    minZ = Math.min(minZ, points[i + 2]);
    maxZ = Math.max(maxZ, points[i + 2]);
  }
  return { x: (minX + maxX) / 2, y: (minY + maxY) / 2, z: (minZ + maxZ) / 2 };
}

function farthest(points: Float64Array, { x, y, z }: Point): number {
  let most = 0;
  for (let i = 0; i < points.length; i += 3) {
    const dx = points[i] - x;
    const dy = points[i + 1] - y;
    const dz = points[i + 2] - z;
    most = Math.max(most, dx * dx + dy * dy + dz * dz);
  }
  return Math.sqrt(most);
}

/** J. Ritter, "An efficient bounding sphere", Graphics Gems, 1990: a far pair, then grown to each point left out. */
function ritter(points: Float64Array): Sphere {
  const first = farthestFrom(points, 0);
  const second = farthestFrom(points, first);
  let x = (points[first] + points[second]) / 2;
  let y = (points[first + 1] + points[second + 1]) / 2;
  let z = (points[first + 2] + points[second + 2]) / 2;
  let radius = Math.hypot(points[first] - x, points[first + 1] - y, points[first + 2] - z);
  for (let i = 0; i < points.length; i += 3) {
    const dx = points[i] - x;
    const dy = points[i + 1] - y;
    const dz = points[i + 2] - z;
    const distance = Math.sqrt(dx * dx + dy * dy + dz * dz);
    if (distance <= radius) continue;
    const grown = (radius + distance) / 2;
    const step = (distance - grown) / distance;
    x += dx * step;
    y += dy * step;
    z += dz * step;
    radius = grown;
  }
  // Growing rounds; measuring at the end makes the radius true for the centre that came out.
  return { x, y, z, radius: farthest(points, { x, y, z }) };
}

function farthestFrom(points: Float64Array, from: number): number {
  let most = -1;
  let at = from;
  for (let i = 0; i < points.length; i += 3) {
    const dx = points[i] - points[from];
    const dy = points[i + 1] - points[from + 1];
    const dz = points[i + 2] - points[from + 2];
    const distance = dx * dx + dy * dy + dz * dz;
    if (distance > most) {
      most = distance;
      at = i;
    }
  }
  return at;
}
