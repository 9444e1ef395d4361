/**
 * What one tile needs of a surface's picture, at the tile's resolution: the regions that its triangles lie on, cut out,
 * scaled and laid side by side, and the uv that go with it. Texels count from the picture's upper left corner.
 */
import sharp, { type Sharp } from 'sharp';
import { RelievoError } from '../error.ts';
import type { PictureType, SurfacePicture } from '../geo/surface-mesh.ts';

/** A picture unpacked: 8 bits a channel, row by row from the top. */
export interface OpenPicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly pixels: Uint8Array;
}

export interface TileTexture {
  readonly bytes: Uint8Array;
  readonly type: PictureType;
  readonly width: number;
  readonly height: number;
  /** In the new picture, 2 a vertex. */
  readonly uv: Float32Array;
  /** Whether uv beyond 0..1 repeat the picture. */
  readonly repeats: boolean;
}

interface Region {
  /** In the picture, texels; ends exclusive. */
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

interface Placed {
  readonly from: Region;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Texels on a side of the squares in which it is noted where triangles lie, in the new picture. */
const SQUARE = 32;
/** Texels kept round a region, in the new picture, so that filtering finds its own surroundings. */
const MARGIN = 3;
const LONGEST_SIDE = 4096;
const JPEG_QUALITY = 85;
const WEBP_QUALITY = 85;

/** Fails with `input-invalid` for what is no picture, with `input-unsupported` for one beyond `MOST_TEXELS`. */
export async function openPicture(picture: SurfacePicture): Promise<OpenPicture> {
  return reading(picture, async (image) => {
    const { hasAlpha } = await image.metadata();
    const colours = hasAlpha ? image.ensureAlpha() : image.removeAlpha();
    const { data, info } = await colours
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 3 && channels !== 4) throw new Error(`it has ${channels} channels`);
    return { width, height, channels, pixels: data };
  });
}

/** Texels; nothing is unpacked. */
export async function sizeOfPicture(picture: SurfacePicture): Promise<{ width: number; height: number }> {
  return reading(picture, (image) => image.metadata());
}

async function reading<T>({ name, bytes }: SurfacePicture, work: (image: Sharp) => Promise<T>): Promise<T> {
  try {
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (width * height > MOST_TEXELS) {
      const message = `The picture has ${width} x ${height} texels; at most ${MOST_TEXELS} are read: scale it down`;
      throw new RelievoError('input-unsupported', message, { where: name });
    }
    return await work(sharp(bytes, { limitInputPixels: MOST_TEXELS }));
  } catch (error) {
    if (error instanceof RelievoError) throw error;
    throw new RelievoError('input-invalid', `The picture cannot be read: ${(error as Error).message}`, {
      where: name,
      cause: error,
    });
  }
}

/** 0.5 GB unpacked, with alpha. */
const MOST_TEXELS = 2 ** 27;

/**
 * `scale` is texels of the new picture for one of the old, 1 at most; it gets less where the result would be larger than
 * 4096 texels. A picture that is repeated over the surface is taken whole.
 */
export async function cutTexture(
  picture: OpenPicture,
  uv: Float32Array,
  triangles: Uint32Array,
  scale: number,
  withAlpha: boolean,
): Promise<TileTexture> {
  const shifts = shiftsIntoPicture(uv, triangles);
  if (shifts === undefined) return wholePicture(picture, uv, scale, withAlpha);
  const squares = markSquares(picture, uv, triangles, shifts, Math.max(1, Math.round(SQUARE / scale)));
  const regions = regionsOf(squares, picture, Math.ceil(MARGIN / scale));
  const { placed, width, height } = place(regions, scale);
  const pixels = await compose(picture, placed, width, height);
  const out = new Float32Array(uv.length);
  for (let vertex = 0; vertex < uv.length / 2; vertex++) {
    const x = (uv[2 * vertex] - shifts[2 * vertex]) * picture.width;
    const y = (uv[2 * vertex + 1] - shifts[2 * vertex + 1]) * picture.height;
    const spot = placed[squares.regionAt(x, y)];
    // A vertex that no triangle has lies on no region.
    if (spot === undefined) continue;
    out[2 * vertex] = (spot.x + ((x - spot.from.x0) * spot.width) / (spot.from.x1 - spot.from.x0)) / width;
    out[2 * vertex + 1] = (spot.y + ((y - spot.from.y0) * spot.height) / (spot.from.y1 - spot.from.y0)) / height;
  }
  return { ...(await pack({ ...picture, width, height, pixels }, withAlpha)), uv: out, repeats: false };
}

/** Whole numbers to take off each vertex's uv; undefined when a triangle reaches over the picture's edge. */
function shiftsIntoPicture(uv: Float32Array, triangles: Uint32Array): Float32Array | undefined {
  const shifts = new Float32Array(uv.length).fill(NaN);
  for (let i = 0; i < triangles.length; i += 3) {
    for (let axis = 0; axis < 2; axis++) {
      const [a, b, c] = [0, 1, 2].map((k) => uv[2 * triangles[i + k] + axis]);
      const shift = Math.floor((a + b + c) / 3);
      if (Math.min(a, b, c) < shift - EDGE || Math.max(a, b, c) > shift + 1 + EDGE) return undefined;
      for (let k = 0; k < 3; k++) {
        const at = 2 * triangles[i + k] + axis;
        // Two triangles that share a vertex on the picture's edge may lie on either side of it.
        if (!Number.isNaN(shifts[at]) && shifts[at] !== shift) return undefined;
        shifts[at] = shift;
      }
    }
  }
  // A vertex that no triangle has may lie anywhere.
  return shifts.map((shift) => (Number.isNaN(shift) ? 0 : shift));
}

/** What rounding may put beyond the picture's edge. */
const EDGE = 1e-3;

interface Squares {
  readonly across: number;
  readonly down: number;
  readonly side: number;
  /** 0 where no triangle lies, else 1 and later the region's number and one. */
  readonly marks: Int32Array;
  regionAt(x: number, y: number): number;
}

function markSquares(
  { width, height }: OpenPicture,
  uv: Float32Array,
  triangles: Uint32Array,
  shifts: Float32Array,
  side: number,
): Squares {
  const across = Math.ceil(width / side);
  const down = Math.ceil(height / side);
  const marks = new Int32Array(across * down);
  const column = (x: number) => Math.min(Math.max(Math.floor(x / side), 0), across - 1);
  const row = (y: number) => Math.min(Math.max(Math.floor(y / side), 0), down - 1);
  for (let i = 0; i < triangles.length; i += 3) {
    const xs = [0, 1, 2].map((k) => (uv[2 * triangles[i + k]] - shifts[2 * triangles[i + k]]) * width);
    const ys = [0, 1, 2].map((k) => (uv[2 * triangles[i + k] + 1] - shifts[2 * triangles[i + k] + 1]) * height);
    const [left, right] = [column(Math.min(...xs)), column(Math.max(...xs))];
    for (let y = row(Math.min(...ys)); y <= row(Math.max(...ys)); y++) {
      marks.fill(1, y * across + left, y * across + right + 1);
    }
  }
  return { across, down, side, marks, regionAt: (x, y) => marks[row(y) * across + column(x)] - 1 };
}

/** The boxes of marked squares that touch, corners too, numbered in the marks; boxes that overlap much become one. */
function regionsOf({ across, down, side, marks }: Squares, { width, height }: OpenPicture, margin: number): Region[] {
  const boxes: Region[] = [];
  const number = new Int32Array(marks.length).fill(-1);
  for (let start = 0; start < marks.length; start++) {
    if (marks[start] === 0 || number[start] >= 0) continue;
    const box = { x0: Infinity, y0: Infinity, x1: 0, y1: 0 };
    const waiting = [start];
    number[start] = boxes.length;
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const [x, y] = [at % across, Math.floor(at / across)];
      box.x0 = Math.min(box.x0, x * side);
      box.y0 = Math.min(box.y0, y * side);
      box.x1 = Math.max(box.x1, (x + 1) * side);
      box.y1 = Math.max(box.y1, (y + 1) * side);
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, down - 1); ny++) {
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, across - 1); nx++) {
          const next = ny * across + nx;
          if (marks[next] === 0 || number[next] >= 0) continue;
          number[next] = boxes.length;
          waiting.push(next);
        }
      }
    }
    boxes.push({
      x0: Math.max(box.x0 - margin, 0),
      y0: Math.max(box.y0 - margin, 0),
      x1: Math.min(box.x1 + margin, width),
      y1: Math.min(box.y1 + margin, height),
    });
  }
  const owner = mergeBoxes(boxes);
  const kept = [...new Set(owner)];
  const rank = new Map(kept.map((box, i) => [box, i]));
  for (let i = 0; i < marks.length; i++) if (number[i] >= 0) marks[i] = (rank.get(owner[number[i]]) as number) + 1;
  return kept.map((i) => boxes[i]);
}

/** Joins boxes whose common box is no larger than both together; tells which box each went into. */
function mergeBoxes(boxes: Region[]): number[] {
  const owner = boxes.map((_, i) => i);
  for (let changed = boxes.length <= MOST_BOXES; changed; ) {
    changed = false;
    for (let i = 0; i < boxes.length; i++) {
      if (owner[i] !== i) continue;
      for (let k = i + 1; k < boxes.length; k++) {
        if (owner[k] !== k) continue;
        const joined = join(boxes[i], boxes[k]);
        if (areaOf(joined) > areaOf(boxes[i]) + areaOf(boxes[k])) continue;
        boxes[i] = joined;
        for (let m = 0; m < owner.length; m++) if (owner[m] === k) owner[m] = i;
        changed = true;
      }
    }
  }
  if (boxes.length <= MOST_BOXES) return owner;
  boxes[0] = boxes.reduce(join);
  return owner.fill(0);
}

/** More regions than these are cut as one: to place them one by one would cost more than it saves. */
const MOST_BOXES = 600;

function join(a: Region, b: Region): Region {
  return { x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1) };
}

function areaOf({ x0, y0, x1, y1 }: Region): number {
  return (x1 - x0) * (y1 - y0);
}

/** On shelves, the highest first; scaled down until it fits. */
function place(regions: readonly Region[], scale: number): { placed: Placed[]; width: number; height: number } {
  const sized = regions.map((from, i) => ({
    from,
    i,
    width: Math.max(1, Math.round((from.x1 - from.x0) * scale)),
    height: Math.max(1, Math.round((from.y1 - from.y0) * scale)),
  }));
  sized.sort((a, b) => b.height - a.height || a.i - b.i);
  const widest = sized.reduce((most, { width }) => Math.max(most, width), 1);
  const area = sized.reduce((sum, { width, height }) => sum + width * height, 0);
  const room = Math.max(widest, Math.ceil(Math.sqrt(area) * 1.1));
  const placed: Placed[] = new Array(regions.length);
  let [x, y, shelf, right] = [0, 0, 0, 0];
  for (const { from, i, width, height } of sized) {
    if (x + width > room) {
      y += shelf;
      x = 0;
      shelf = 0;
    }
    placed[i] = { from, x, y, width, height };
    x += width;
    right = Math.max(right, x);
    shelf = Math.max(shelf, height);
  }
  const longest = Math.max(right, y + shelf);
  if (longest > LONGEST_SIDE) return place(regions, scale * Math.min(0.95, LONGEST_SIDE / longest));
  return { placed, width: right, height: y + shelf };
}

async function compose(picture: OpenPicture, placed: readonly Placed[], width: number, height: number) {
  const { channels } = picture;
  const out = new Uint8Array(width * height * channels);
  for (const { from, x, y, width: across, height: down } of placed) {
    const cut = await scaled(crop(picture, from), across, down);
    for (let row = 0; row < down; row++) {
      const begin = row * across * channels;
      out.set(cut.subarray(begin, begin + across * channels), ((y + row) * width + x) * channels);
    }
  }
  return out;
}

function crop({ width, channels, pixels }: OpenPicture, { x0, y0, x1, y1 }: Region): OpenPicture {
  const across = x1 - x0;
  const out = new Uint8Array(across * (y1 - y0) * channels);
  for (let y = y0; y < y1; y++) {
    const begin = (y * width + x0) * channels;
    out.set(pixels.subarray(begin, begin + across * channels), (y - y0) * across * channels);
  }
  return { width: across, height: y1 - y0, channels, pixels: out };
}

async function scaled(picture: OpenPicture, width: number, height: number): Promise<Uint8Array> {
  if (picture.width === width && picture.height === height) return picture.pixels;
  return sharp(picture.pixels, { raw: picture }).resize(width, height, { fit: 'fill' }).raw().toBuffer();
}

async function wholePicture(
  picture: OpenPicture,
  uv: Float32Array,
  scale: number,
  withAlpha: boolean,
): Promise<TileTexture> {
  const most = Math.min(scale, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * most));
  const height = Math.max(1, Math.round(picture.height * most));
  const pixels = await scaled(picture, width, height);
  return { ...(await pack({ ...picture, width, height, pixels }, withAlpha)), uv, repeats: true };
}

async function pack(picture: OpenPicture, withAlpha: boolean) {
  const { width, height, channels, pixels } = picture;
  const image = sharp(pixels, { raw: { width, height, channels } });
  return withAlpha && channels === 4
    ? { bytes: await image.webp({ quality: WEBP_QUALITY }).toBuffer(), type: 'image/webp' as const, width, height }
    : {
        bytes: await image.removeAlpha().jpeg({ quality: JPEG_QUALITY }).toBuffer(),
        type: 'image/jpeg' as const,
        width,
        height,
      };
}
