/** Coverage of pixels by polygons, against counting points inside them one by one, and against GDAL. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPolygonCover, type PolygonCover } from '../../tiler/fields/polygon-cover.ts';
import { geographic, type LonLatBox } from '../../tiler/geo/tiling-scheme.ts';
import type { LonLatPolygons } from '../../tiler/sources/mosaic.ts';
import { decodeNaturalEarth, naturalEarthPath, readNaturalEarth } from '../../tiler/sources/natural-earth.ts';
import { collectPolygons, RingCollector } from '../../tiler/sources/ring-set.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Ring = readonly (readonly [number, number])[];

function coverOf(polygons: LonLatPolygons): PolygonCover {
  const rings = new RingCollector();
  collectPolygons(polygons, rings);
  return openPolygonCover(rings.finish());
}

/** A ring round a middle whose radius wobbles. */
function star(random: () => number, lon: number, lat: number, radius: number, points: number): Ring {
  const ring = Array.from({ length: points }, (_, k): readonly [number, number] => {
    const angle = (2 * Math.PI * k) / points;
    const r = radius * (0.4 + 0.6 * random());
    return [lon + r * Math.cos(angle), lat + r * Math.sin(angle)];
  });
  return [...ring, ring[0]];
}

/** Whether a point lies in a ring: how often a line to the east crosses it (W. R. Franklin, PNPOLY). */
function isInside([x, y]: readonly [number, number], ring: Ring): boolean {
  let odd = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

function countInside(polygons: LonLatPolygons, box: LonLatBox, column: number, row: number, steps: number): number {
  let inside = 0;
  for (let j = 0; j < steps; j++) {
    for (let i = 0; i < steps; i++) {
      const lon = box.west + ((column + (i + 0.5) / steps) / 256) * (box.east - box.west);
      const lat = box.north - ((row + (j + 0.5) / steps) / 256) * (box.north - box.south);
      const hit = polygons.some((rings) =>
        [-360, 0, 360].some((turn) => rings.reduce((odd, ring) => odd !== isInside([lon + turn, lat], ring), false)),
      );
      inside += hit ? 1 : 0;
    }
  }
  return (255 * inside) / steps ** 2;
}

function pixelsOf(cover: Uint8Array | number): Uint8Array {
  return typeof cover === 'number' ? new Uint8Array(65536).fill(cover) : cover;
}

describe('coverage of pixels', () => {
  it.each([1, 2, 3, 4, 5, 6])('is that of points counted one by one, for random polygons %i', (seed) => {
    const random = seededRandom(seed);
    const [lon, lat] = [random() * 380 - 190, random() * 120 - 60];
    const lake = star(random, lon, lat, 2, 40).map(
      ([x, y]) => [lon + (x - lon) * 0.35, lat + (y - lat) * 0.35] as const,
    );
    const island = lake.map(([x, y]) => [lon + (x - lon) * 0.4, lat + (y - lat) * 0.4] as const);
    const polygons: LonLatPolygons = [
      [star(random, lon, lat, 8, 90), lake],
      [island],
      // Laid over the first in part: together they are no less than one.
      [star(random, lon + 5, lat + 3, 5, 12)],
    ];
    const cover = coverOf(polygons);
    let [sum, count, partial] = [0, 0, 0];
    for (const z of [0, 2, 4, 5, 6, 8, 10]) {
      const side = 180 / 2 ** z;
      const [dx, dy] = [random() * 6 - 3, random() * 6 - 3];
      const x = Math.floor(((((lon + dx + 180) % 360) + 360) % 360) / side);
      const box = geographic.box({ z, x, y: Math.floor((90 - lat - dy) / side) });
      const pixels = pixelsOf(cover.coverOf(box));
      const edges = [...pixels.keys()].filter((i) => pixels[i] > 0 && pixels[i] < 255);
      for (let k = 0; k < 60; k++) {
        const any = Math.floor(random() * 65536);
        const at = k % 2 === 0 ? any : (edges[Math.floor(random() * edges.length)] ?? any);
        const truth = countInside(polygons, box, at % 256, Math.floor(at / 256), 8);
        // Four exact lines in a pixel against 8 x 8 points.
        expect(Math.abs(pixels[at] - truth), `z ${z}, pixel ${at}`).toBeLessThan(255 * 0.36);
        if (truth > 0 && truth < 255) partial++;
        sum += Math.abs(pixels[at] - truth);
        count++;
      }
    }
    expect(sum / count).toBeLessThan(6);
    expect(partial).toBeGreaterThan(50);
  });

  it('decides a box that no edge meets, far from or amid edges to its west', () => {
    const ring: Ring = [
      [0, 0],
      [10, 0],
      [10, 10],
      [0, 10],
      [0, 0],
    ];
    const hole: Ring = [
      [4, 4],
      [6, 4],
      [6, 6],
      [4, 6],
      [4, 4],
    ];
    const cover = coverOf([[ring, hole]]);
    const at = (west: number, south: number) => cover.coverOf({ west, south, east: west + 0.5, north: south + 0.5 });
    expect([at(2, 5), at(5, 5), at(8, 5), at(11, 5), at(-5, 5), at(5, 20), at(8, 1)]).toEqual([
      255, 0, 255, 0, 0, 0, 255,
    ]);
    // The hole's edges lie on the box's own: nothing of them is inside.
    expect(cover.coverOf({ west: 4, south: 4, east: 6, north: 6 })).toSatisfy((value) =>
      pixelsOf(value as number).every((pixel) => pixel === 0),
    );
  });

  it('adds up: the four children hold what their parent holds', () => {
    const random = seededRandom(11);
    const cover = coverOf([[star(random, 21, 41, 9, 200), star(random, 21, 41, 2, 50)]]);
    const sumOf = (z: number, x: number, y: number) =>
      pixelsOf(cover.coverOf(geographic.box({ z, x, y }))).reduce((a, b) => a + b, 0);
    const children = [0, 1, 2, 3].map((k) => sumOf(6, 70 + (k & 1), 16 + (k >> 1)));
    const parent = sumOf(5, 35, 8);
    expect(parent).toBeGreaterThan(1e5);
    expect(Math.abs(children.reduce((a, b) => a + b) / 4 - parent) / parent).toBeLessThan(0.002);
  });
});

describe('the land of Natural Earth', () => {
  let cover: PolygonCover;
  beforeAll(async () => {
    cover = openPolygonCover(decodeNaturalEarth(await readNaturalEarth()));
  });

  it.each([
    [255, 'Chukotka, east of the date line', -175.5, 67],
    [255, 'Chukotka, west of it', 178.5, 68],
    [0, 'the Bering Strait', -168.6, 65.3],
    [0, 'the Pacific on the date line', 180 - 1e-3, 10],
    [0, 'the Pacific on the date line', -180 + 1e-3, -10],
    [255, 'the South Pole', 30, -89.9],
    [255, 'Antarctica on the date line', -179.9, -85],
    [0, 'the North Pole', 30, 89.9],
    [0, 'the Caspian', 50.5, 41.5],
    [255, 'Lake Superior, which it does not know', -87.5, 47.5],
    [255, 'Sicily', 14, 37.5],
    [255, 'Haleakala', -156.25, 20.71],
    [0, 'the sea north of Maui', -156.35, 21.2],
  ])('has %i at %s', (value, _, lon, lat) => {
    const half = 0.01;
    expect(cover.coverOf({ west: lon - half, east: lon + half, south: lat - half, north: lat + half })).toBe(value);
  });

  it.skipIf(!HAS_GDAL)('is drawn as GDAL draws it, levels 2 to 12', () => {
    // GDAL takes the rings as they come, so that those over the date line are streaks there: not at these latitudes.
    const places = [
      [-156.4, 20.9],
      [12.5, 41.8],
      [-79.5, 43.6],
      [23.7, 37.9],
    ] as const;
    const folder = temporaryFolder();
    let mixed = 0;
    for (let z = 2; z <= 12; z++) {
      const [lon, lat] = places[z % places.length];
      const side = 180 / 2 ** z;
      const box = geographic.box({ z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) });
      const out = join(folder, `${z}.bil`);
      const extent = [box.west, box.south, box.east, box.north].map(String);
      const size = ['-ts', '256', '256', '-ot', 'Byte', '-of', 'EHdr', '-q'];
      execFileSync('gdal_rasterize', ['-burn', '255', '-te', ...extent, ...size, naturalEarthPath(), out]);
      const theirs = readFileSync(out);
      const ours = cover.coverOf(box);
      if (typeof ours !== 'number') mixed++;
      // GDAL marks pixels by their centre: one that we hold to be full or empty must be so.
      const wrong = pixelsOf(ours).filter(
        (value, i) => (value > 250 && theirs[i] === 0) || (value < 5 && theirs[i] > 0),
      );
      expect(wrong.length, `z ${z}`).toBeLessThan(z < 4 ? 40 : 4);
    }
    expect(mixed).toBeGreaterThan(7);
  });
});
