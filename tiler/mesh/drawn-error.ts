/**
 * The bound on a tile's error as it is drawn. A drawn side is a chord in space: it leaves the line between its ends that runs
 * straight in u and v, so the drawn surface is the one of u and v moved a little along the ground, and on a slope that changes
 * its height. In post spacings from the tile's north-west corner, x east and y south; heights in metres.
 *
 * Derivation. With shares w of a triangle's corners (longitude d, latitude f, height h) the point in space lies, but for terms of
 * third order, off the mean of the corners' d and f by: in latitude, sin f cos f / 2 times the variance of d; in longitude,
 * -tan f times the covariance of d and f; and along both by their covariance with h over the Earth's radius, since normals
 * spread upwards. It lies lower than the mean of h by half the variance of place over that radius.
 */
import { RADIANS_PER_DEGREE, WGS84_A, WGS84_B } from '../geo/ellipsoid.ts';
import { type PostGrid, postLatitudes, postSpacing, rowSpacing } from '../geo/post-grid.ts';
import type { SourceCells } from './source-cells.ts';
import { type TerrainMesh, UV_MAX } from './terrain-mesh.ts';

type Mesh = Pick<TerrainMesh, 'u' | 'v' | 'heights' | 'triangles'>;

/** Share of the limit that a triangle's move may cost without the samples near it being looked at one by one. */
const CALM = 0.005;
/** Share of the way by which it may differ from what second order gives. */
const THIRD_ORDER = 0.1;
/** Nearest to a pole that longitudes are told apart, in rows. */
const POLE_ROWS = 0.01;

/**
 * `flat`: the greatest error of the same mesh in the plane of u and v, metres. Where the drawn surface hardly differs from that,
 * the difference is added; cells near steep triangles are held against what is drawn over them.
 */
export function boundDrawnError(
  mesh: Mesh,
  posts: PostGrid,
  cells: readonly SourceCells[],
  { flat, limit }: { readonly flat: number; readonly limit: number },
): number {
  const ground = groundOf(posts);
  const faces = facesOf(mesh, posts, ground);
  const riseOf = ({ range, slopeX, slopeY, reachX, reachY }: Face) =>
    Math.min(range, reachX * Math.abs(slopeX) + reachY * Math.abs(slopeY));
  const wild = faces.filter((face) => riseOf(face) > CALM * limit);
  const calm = faces.reduce((most, face) => (riseOf(face) > CALM * limit ? most : Math.max(most, riseOf(face))), 0);
  let worst = flat + calm;
  if (wild.length === 0) return worst;
  const last = posts.rows - 2;
  const reach = Math.max(...cells.map(({ reachY }) => reachY));
  const [wildRows, rows] = [sortByRows(wild, last, reach), sortByRows(faces, last, reach)];
  for (const set of cells) {
    for (let k = 0; k < set.x.length; k++) {
      const row = rowOf(set.y[k], last);
      if (set.hidden?.[k] === 1 || !wildRows[row].some((face) => isNear(face, set, k))) continue;
      for (const face of rows[row]) {
        if (isNear(face, set, k)) worst = Math.max(worst, drawnError(face, set, k, ground));
      }
    }
  }
  return worst;
}

/** Where a tile lies: radians. */
interface Ground {
  readonly north: number;
  readonly perColumn: number;
  readonly perRow: number;
}

function groundOf(posts: PostGrid): Ground {
  return {
    north: postLatitudes({ ...posts, rows: 1 })[0] * RADIANS_PER_DEGREE,
    perColumn: postSpacing(posts) * RADIANS_PER_DEGREE,
    perRow: rowSpacing(posts) * RADIANS_PER_DEGREE,
  };
}

function latitudeAt({ north, perRow }: Ground, y: number): number {
  const most = Math.PI / 2 - POLE_ROWS * perRow;
  return Math.min(most, Math.max(-most, north - y * perRow));
}

/** A triangle: one corner, what the others differ from it, its plane, the box round it, and how far its points may move. */
interface Face {
  readonly ax: number;
  readonly ay: number;
  readonly za: number;
  readonly bx: number;
  readonly by: number;
  readonly cx: number;
  readonly cy: number;
  readonly area: number;
  readonly slopeX: number;
  readonly slopeY: number;
  readonly range: number;
  readonly west: number;
  readonly east: number;
  readonly north: number;
  readonly south: number;
  readonly reachX: number;
  readonly reachY: number;
}

function facesOf({ u, v, heights, triangles }: Mesh, { columns, rows }: PostGrid, ground: Ground): Face[] {
  const x = Float64Array.from(u, (code) => (code * (columns - 1)) / UV_MAX);
  const y = Float64Array.from(v, (code) => ((UV_MAX - code) * (rows - 1)) / UV_MAX);
  const { perColumn, perRow } = ground;
  return Array.from({ length: triangles.length / 3 }, (_, t) => {
    const [a, b, c] = triangles.subarray(3 * t, 3 * t + 3);
    const [ax, ay, za] = [x[a], y[a], heights[a]];
    const [bx, by, zb] = [x[b] - ax, y[b] - ay, heights[b] - za];
    const [cx, cy, zc] = [x[c] - ax, y[c] - ay, heights[c] - za];
    const area = bx * cy - cx * by;
    const north = ay + Math.min(0, by, cy);
    const south = ay + Math.max(0, by, cy);
    const width = Math.max(0, bx, cx) - Math.min(0, bx, cx);
    const height = south - north;
    const range = Math.max(0, zb, zc) - Math.min(0, zb, zc);
    const far = Math.max(Math.abs(latitudeAt(ground, north)), Math.abs(latitudeAt(ground, south)));
    // A covariance is at most a quarter of the product of both widths.
    const turn = (Math.tan(far) * perRow * width * height) / 4;
    const bulge = (perColumn * perColumn * width * width) / 16 / perRow;
    const spread = range / (4 * WGS84_B);
    return {
      ...{ ax, ay, za, bx, by, cx, cy, area, range, north, south },
      slopeX: (zb * cy - zc * by) / area,
      slopeY: (zc * bx - zb * cx) / area,
      west: ax + Math.min(0, bx, cx),
      east: ax + Math.max(0, bx, cx),
      reachX: Math.min(columns, (turn + spread * width) * (1 + THIRD_ORDER)),
      reachY: (bulge + spread * height) * (1 + THIRD_ORDER),
    };
  });
}

function rowOf(y: number, last: number): number {
  return Math.min(last, Math.max(0, Math.floor(y)));
}

/** Triangles that a cell with its middle in a row may come to lie under; `reach` of the cells. */
function sortByRows(faces: readonly Face[], last: number, reach: number): Face[][] {
  const rows: Face[][] = Array.from({ length: last + 1 }, () => []);
  for (const face of faces) {
    const end = rowOf(face.south + face.reachY + reach, last);
    for (let row = rowOf(face.north - face.reachY - reach, last); row <= end; row++) rows[row].push(face);
  }
  return rows;
}

function isNear({ west, east, north, south, reachX, reachY }: Face, set: SourceCells, k: number): boolean {
  const [x, y] = [set.x[k], set.y[k]];
  const [roomX, roomY] = [reachX + set.reachX, reachY + set.reachY];
  return x >= west - roomX && x <= east + roomX && y >= north - roomY && y <= south + roomY;
}

/** Greatest error that what of a cell is drawn under a triangle can have; 0 where nothing is. */
function drawnError(face: Face, set: SourceCells, k: number, ground: Ground): number {
  const { x, y, heights, slopeX, slopeY, above, below, reachX, reachY } = set;
  let move = moveAt(face, x[k], y[k], ground);
  move = moveAt(face, x[k] - move.x, y[k] - move.y, ground);
  const [px, py] = [x[k] - move.x, y[k] - move.y];
  const [roomX, roomY] = [THIRD_ORDER * Math.abs(move.x), THIRD_ORDER * Math.abs(move.y)];
  let worst = 0;
  for (const [qx, qy] of cutOut(face, px, py, reachX + roomX, reachY + roomY)) {
    const drawn =
      face.za + face.slopeX * (qx - face.ax) + face.slopeY * (qy - face.ay) - moveAt(face, qx, qy, ground).sag;
    const [east, south] = [within(qx - px, reachX), within(qy - py, reachY)];
    const gap = drawn - heights[k] - (slopeX?.[k] ?? 0) * east - (slopeY?.[k] ?? 0) * south;
    worst = Math.max(worst, gap + (below?.[k] ?? 0), (above?.[k] ?? 0) - gap);
  }
  return worst;
}

function within(value: number, reach: number): number {
  return Math.min(reach, Math.max(-reach, value));
}

/** How far the drawn point lies from the flat one at a place, and how much lower. */
function moveAt(face: Face, x: number, y: number, ground: Ground): { x: number; y: number; sag: number } {
  const { bx, by, cx, cy, area, slopeX, slopeY } = face;
  const [dx, dy] = [x - face.ax, y - face.ay];
  const ofB = (dx * cy - cx * dy) / area;
  const ofC = (bx * dy - dx * by) / area;
  const varianceX = ofB * bx * bx + ofC * cx * cx - dx * dx;
  const varianceY = ofB * by * by + ofC * cy * cy - dy * dy;
  const covariance = ofB * bx * by + ofC * cx * cy - dx * dy;
  const { perColumn, perRow } = ground;
  const lat = latitudeAt(ground, y);
  const [sin, cos] = [Math.sin(lat), Math.cos(lat)];
  return {
    x: (sin / cos) * perRow * covariance + (slopeX * varianceX + slopeY * covariance) / WGS84_B,
    y:
      (-sin * cos * perColumn * perColumn * varianceX) / 2 / perRow +
      (slopeX * covariance + slopeY * varianceY) / WGS84_B,
    sag: (WGS84_A / 2) * ((perColumn * cos) ** 2 * varianceX + perRow * perRow * varianceY),
  };
}

/** Corners of what of a rectangle round a place lies in a triangle (I. Sutherland and G. Hodgman, 1974). */
function cutOut(face: Face, x: number, y: number, reachX: number, reachY: number): [x: number, y: number][] {
  const { ax, ay, bx, by, cx, cy, area } = face;
  let corners: [number, number][] = [
    [x - reachX, y - reachY],
    [x + reachX, y - reachY],
    [x + reachX, y + reachY],
    [x - reachX, y + reachY],
  ];
  const turn = Math.sign(area);
  const sides = [
    [ax, ay, bx, by],
    [ax + bx, ay + by, cx - bx, cy - by],
    [ax + cx, ay + cy, -cx, -cy],
  ];
  for (const [ox, oy, dx, dy] of sides) {
    const insideBy = ([px, py]: [number, number]) => turn * (dx * (py - oy) - dy * (px - ox)) + EDGE_SLACK;
    corners = corners.flatMap((here, k) => {
      const next = corners[(k + 1) % corners.length];
      const [inHere, inNext] = [insideBy(here), insideBy(next)];
      const kept: [number, number][] = inHere >= 0 ? [here] : [];
      if (inHere >= 0 === inNext >= 0) return kept;
      const share = inHere / (inHere - inNext);
      return [...kept, [here[0] + (next[0] - here[0]) * share, here[1] + (next[1] - here[1]) * share]];
    });
  }
  return corners;
}

const EDGE_SLACK = 1e-9;
