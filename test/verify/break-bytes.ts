/** Ways to break the bytes of a tile: compression, the header, the coding of planes and indices (formats.md 1.1, 1.2). */
import { gzipSync } from 'node:zlib';
import { toEcef } from '../../tiler/verify/wgs84.ts';
import { type Breakage, breakage, TILE, WEST } from './breakage.ts';
import { insideOf, TOP, withLength } from './spoil-mesh.ts';
import { changeBytes, changePlan, storedOf, type TilesetCopy } from './tileset-copy.ts';
import { planTile, type TilePlan, writeTile } from './tiny-tile.ts';

const AT = [TILE];
/** Where borders with three neighbours are reported. */
const AROUND = [WEST, TILE];

const bytes = (change: (plain: Buffer) => Uint8Array | undefined) => (set: TilesetCopy) =>
  changeBytes(set, TILE, change);
const plan = (change: (plan: TilePlan) => void) => (set: TilesetCopy) => changePlan(set, TILE, change);
const stored = (change: (now: Uint8Array) => Uint8Array) => (set: TilesetCopy) => {
  set.files.set(TILE, change(storedOf(set, TILE)));
};

/** Where the parts of an unpacked tile begin. */
function partsOf(plain: Buffer) {
  const vertices = plain.readUInt32LE(88);
  const triangleCount = 92 + 6 * vertices;
  const edges = triangleCount + 4 + 6 * plain.readUInt32LE(triangleCount);
  let extensions = edges;
  for (let i = 0; i < 4; i++) extensions += 4 + 2 * plain.readUInt32LE(extensions);
  return { vertices, triangleCount, indices: triangleCount + 4, edges, extensions };
}

export const BREAK_PACKING: readonly Breakage[] = [
  breakage(
    'a file that is packed twice',
    stored((now) => gzipSync(now)),
    { 'gzip-twice': AT },
  ),
  breakage(
    'a packed file that ends early',
    stored((now) => now.slice(0, -200)),
    { 'gzip-broken': AT },
  ),
  breakage(
    'a packed file with a wrong checksum',
    stored((now) => now.map((byte, i) => (i === now.length - 8 ? byte ^ 1 : byte))),
    { 'gzip-broken': AT },
  ),
  breakage(
    'bytes after the packed file',
    stored((now) => Buffer.concat([now, Buffer.from('more')])),
    { 'gzip-broken': AT },
  ),
  breakage(
    'zeros after the packed file',
    stored((now) => Buffer.concat([now, Buffer.alloc(512)])),
    { 'gzip-trailing': AT },
  ),
  breakage(
    'an empty file',
    stored(() => new Uint8Array()),
    { truncated: AT },
  ),
  breakage(
    'a web page in place of a tile',
    stored(() => Buffer.from('<!doctype html><title>404</title>')),
    {
      'not-a-tile': AT,
    },
  ),
  breakage(
    'a heightmap-1.0 in place of a mesh',
    stored(() => gzipSync(new Uint8Array(65 * 65 * 2 + 2))),
    {
      'not-a-tile': AT,
    },
  ),
  breakage(
    'a tile that ends within its header',
    bytes((now) => now.subarray(0, 80)),
    { truncated: AT },
  ),
  breakage(
    'a tile that ends within its vertices',
    bytes((now) => now.subarray(0, 300)),
    { truncated: AT },
  ),
  breakage(
    'a tile that ends within its triangles',
    bytes((now) => now.subarray(0, partsOf(now).indices + 100)),
    {
      truncated: AT,
    },
  ),
  breakage(
    'a tile that ends within its edge lists',
    bytes((now) => now.subarray(0, partsOf(now).edges + 6)),
    {
      truncated: AT,
    },
  ),
  breakage(
    'a tile that ends within its normals',
    bytes((now) => now.subarray(0, -7)),
    {
      'trailing-bytes': AT,
      'extension-missing': AT,
      'border-normals-differ': AROUND,
    },
  ),
  breakage(
    'three bytes after the last extension',
    bytes((now) => Buffer.concat([now, Buffer.alloc(3, 7)])),
    {
      'trailing-bytes': AT,
    },
  ),
];

export const BREAK_HEADER: readonly Breakage[] = [
  breakage(
    'a centre that is no number',
    plan((p) => p.centre.splice(1, 1, Number.NaN)),
    { 'header-not-finite': AT },
  ),
  breakage(
    'a centre of zero',
    plan((p) => p.centre.fill(0)),
    { 'centre-far': AT },
  ),
  breakage(
    'a minimum height that is no number',
    plan((p) => Object.assign(p, { minimumHeight: Number.NaN })),
    {
      'header-not-finite': AT,
    },
  ),
  breakage(
    'an infinite maximum height',
    plan((p) => Object.assign(p, { maximumHeight: Infinity })),
    {
      'header-not-finite': AT,
    },
  ),
  breakage(
    'minimum and maximum height swapped',
    plan((p) => Object.assign(p, { minimumHeight: p.maximumHeight, maximumHeight: p.minimumHeight })),
    { 'height-range-inverted': AT, 'border-heights-differ': AROUND },
    ['sphere-open', 'occlusion-hides'],
  ),
  breakage(
    'a minimum height 50 m too low',
    plan((p) => Object.assign(p, { minimumHeight: p.minimumHeight - 50 })),
    {
      'border-heights-differ': AROUND,
    },
  ),
  breakage(
    'heights in feet',
    plan((p) => Object.assign(p, { minimumHeight: p.minimumHeight / 0.3048, maximumHeight: p.maximumHeight / 0.3048 })),
    { 'height-range-strays': AT, 'border-heights-differ': AROUND },
    ['sphere-open', 'occlusion-hides'],
  ),
  breakage(
    'a sphere whose centre is no number',
    plan((p) => p.sphereCentre.splice(0, 1, Number.NaN)),
    {
      'header-not-finite': AT,
    },
  ),
  breakage(
    'a sphere 1 cm too small',
    plan((p) => shrinkSphere(p, 0.01)),
    { 'sphere-open': AT },
  ),
  breakage(
    'a sphere 300 m too small',
    plan((p) => shrinkSphere(p, 300)),
    { 'sphere-open': AT },
  ),
  breakage(
    'a sphere of negative radius',
    plan((p) => Object.assign(p, { sphereRadius: -p.sphereRadius })),
    {
      'sphere-open': AT,
    },
  ),
  breakage(
    'a sphere moved by a kilometre',
    plan((p) => p.sphereCentre.splice(2, 1, p.sphereCentre[2] + 1000)),
    { 'sphere-open': AT },
  ),
  breakage(
    'a sphere five times too large',
    plan((p) => Object.assign(p, { sphereRadius: 5 * p.sphereRadius })),
    {
      'sphere-loose': AT,
    },
  ),
  breakage(
    'an occlusion point that is no number',
    plan((p) => p.occlusionPoint.fill(Number.NaN)),
    {
      'header-not-finite': AT,
    },
  ),
  breakage(
    'an occlusion point of zero',
    plan((p) => p.occlusionPoint.fill(0)),
    { 'occlusion-hides': AT },
  ),
  breakage(
    'an occlusion point inside the ellipsoid',
    plan((p) => withPointAt(p, 0.999)),
    { 'occlusion-hides': AT },
  ),
  breakage(
    'an occlusion point a millionth too near',
    plan((p) => withPointAt(p, lengthOf(p) * (1 - 1e-6))),
    {
      'occlusion-hides': AT,
    },
  ),
  breakage(
    'an occlusion point on the other side of the Earth',
    plan((p) => Object.assign(p, { occlusionPoint: p.occlusionPoint.map((c) => -c) })),
    { 'occlusion-hides': AT },
  ),
  breakage(
    'an occlusion point in metres',
    plan((p) => withPointAt(p, lengthOf(p) * 6.37e6)),
    {
      'occlusion-loose': AT,
    },
  ),
];

export const BREAK_CODING: readonly Breakage[] = [
  breakage(
    'a vertex count one too high',
    bytes((now) => putCount(now, 88, 1)),
    { 'code-out-of-range': AT },
    // Triangles and all that follows are then read from the wrong place.
    ['truncated', 'index-above-high-water', 'index-out-of-range', 'trailing-bytes', 'extension-repeated'],
  ),
  breakage(
    'a vertex count of four milliards',
    bytes((now) => putCount(now, 88, 0xf0000000)),
    { truncated: AT },
  ),
  breakage(
    'a triangle count two too high',
    bytes((now) => putCount(now, partsOf(now).triangleCount, 2)),
    {
      truncated: AT,
    },
  ),
  breakage('a tile in big-endian numbers', bytes(swapWords), { truncated: AT }),
  breakage(
    'a height code above 32767',
    plan((p) => p.h.splice(insideOf(p), 1, 33000)),
    { 'code-out-of-range': AT },
  ),
  breakage(
    'a negative u',
    plan((p) => p.u.splice(insideOf(p), 1, -5)),
    { 'code-out-of-range': AT },
  ),
  breakage('planes without zig-zag', bytes(withoutZigzag), { 'code-out-of-range': AT }),
  breakage('triangles as plain indices', bytes(withPlainIndices), {
    'index-above-high-water': AT,
    'index-out-of-range': AT,
  }),
  breakage('vertices that are not numbered by first use', plan(countFromTheEnd), {
    'index-above-high-water': AT,
    'vertex-order': AT,
  }),
  breakage(
    'an index beyond the vertices',
    plan((p) => p.edges[0].push(p.u.length)),
    { 'index-out-of-range': AT },
  ),
  breakage(
    'edge lists coded by high-water mark',
    plan((p) => codeEdges(p)),
    { 'edge-foreign-vertex': AT, 'edge-incomplete': AT, 'edge-unsorted': AT },
  ),
  breakage('32-bit indices for few vertices', bytes(withWideIndices), { truncated: AT }),
  breakage('32-bit indices without padding', (set) => putFine(set, 256, true), {
    'index-above-high-water': AT,
    truncated: AT,
  }),
  breakage('exactly 65536 vertices', (set) => putFine(set, 255, false), {
    'vertex-count-65536': AT,
    'border-posts-differ': AROUND,
  }),
];

/** Leaves the farthest vertex so many metres outside. */
function shrinkSphere(p: TilePlan, metres: number): void {
  p.sphereRadius = farthestOf(p) - metres;
}

/** Metres from the sphere's centre to the farthest vertex of the tile that is broken. */
function farthestOf(p: TilePlan): number {
  const side = 180 / 2 ** 8;
  const distances = p.u.map((u, i) => {
    const height = p.minimumHeight + (p.h[i] / TOP) * (p.maximumHeight - p.minimumHeight);
    const position = toEcef(-180 + (33 + u / TOP) * side, -90 + (157 + p.v[i] / TOP) * side, height);
    return Math.hypot(...position.map((value, axis) => value - p.sphereCentre[axis]));
  });
  return Math.max(...distances);
}

function lengthOf(p: TilePlan): number {
  return Math.hypot(...p.occlusionPoint);
}

function withPointAt(p: TilePlan, length: number): void {
  p.occlusionPoint = withLength(p.occlusionPoint, length);
}

function putCount(now: Buffer, at: number, more: number): undefined {
  now.writeUInt32LE((now.readUInt32LE(at) + more) >>> 0, at);
}

/** Turns the numbers of the header and the vertex count round. */
function swapWords(now: Buffer): undefined {
  now.subarray(0, 24).swap64();
  now.subarray(24, 32).swap32();
  now.subarray(32, 88).swap64();
  now.subarray(88, 92).swap32();
}

function withoutZigzag(now: Buffer): undefined {
  for (let at = 92; at < partsOf(now).triangleCount; at += 2) {
    const code = now.readUInt16LE(at);
    now.writeInt16LE(code % 2 === 0 ? code / 2 : -(code + 1) / 2, at);
  }
}

function withPlainIndices(now: Buffer): undefined {
  const { indices, edges } = partsOf(now);
  let next = 0;
  for (let at = indices; at < edges; at += 2) {
    const code = now.readUInt16LE(at);
    now.writeUInt16LE(next - code, at);
    if (code === 0) next++;
  }
}

function countFromTheEnd(p: TilePlan): void {
  const last = p.u.length - 1;
  for (const list of [p.u, p.v, p.h]) list.reverse();
  p.triangles = p.triangles.map((index) => last - index);
  p.edges = p.edges.map((list) => list.map((index) => last - index));
  const { payload } = p.extensions[0];
  p.extensions[0].payload = Uint8Array.from(payload, (_, i) => payload[payload.length - 2 - i + 2 * (i % 2)]);
}

function codeEdges(p: TilePlan): void {
  let next = p.u.length;
  for (const list of p.edges) {
    for (const [i, index] of list.entries()) {
      list[i] = next - index - 1;
      if (list[i] === 0) next++;
    }
  }
}

function withWideIndices(now: Buffer): Uint8Array {
  const { vertices, triangleCount, extensions } = partsOf(now);
  const out: Buffer[] = [now.subarray(0, triangleCount)];
  if (vertices % 2 === 1) out.push(Buffer.alloc(2));
  const widen = (from: number, count: number): number => {
    const wide = Buffer.alloc(4 * count);
    for (let i = 0; i < count; i++) wide.writeUInt32LE(now.readUInt16LE(from + 2 * i), 4 * i);
    out.push(wide);
    return from + 2 * count;
  };
  let at = triangleCount;
  for (const each of [3, 1, 1, 1, 1]) {
    out.push(now.subarray(at, at + 4));
    at = widen(at + 4, each * now.readUInt32LE(at));
  }
  return Buffer.concat([...out, now.subarray(extensions)]);
}

/** A flat tile of many cells in the place of the one that was there. */
function putFine(set: TilesetCopy, cells: number, withoutPadding: boolean): void {
  const plain = Buffer.from(writeTile(planTile({ z: 8, x: 33, y: 98 }, () => 5, { cells })));
  const pad = 92 + 6 * plain.readUInt32LE(88);
  set.files.set(
    TILE,
    gzipSync(withoutPadding ? Buffer.concat([plain.subarray(0, pad), plain.subarray(pad + 2)]) : plain),
  );
}
