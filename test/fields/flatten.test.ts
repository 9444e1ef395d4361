/** Level ground: exact inside, smooth round it, and alike whichever tile and level asks. */
import { describe, expect, it } from 'vitest';
import { openRasterField } from '../../tiler/fields/raster-field.ts';
import { openTerrainField, type TerrainField } from '../../tiler/fields/terrain-field.ts';
import { egm96, undulationsAt } from '../../tiler/geo/geoid.ts';
import type { LonLatRing } from '../../tiler/geo/lon-lat-area.ts';
import { type Places, placesOfPosts } from '../../tiler/geo/places.ts';
import { Origin, type PostGrid, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import type { FlattenArea } from '../../tiler/sources/flatten-areas.ts';
import { seededRandom } from '../../tiler/verify/random.ts';
import { memorySource } from '../support/memory-source.ts';

const [LON, LAT] = [9, 47];
/** Degrees between samples, and metres from south to north. */
const STEP = 1 / 3600;
const METRES = 30.9;
const SIDE = 801;

type Relief = (column: number, row: number) => number;

async function terrain(relief: Relief, flats: readonly FlattenArea[], lon = LON): Promise<TerrainField> {
  const half = ((SIDE - 1) / 2) * STEP;
  const affine = { a: STEP, b: 0, c: lon - half, d: 0, e: -STEP, f: LAT + half };
  const source = withOverviews(memorySource({ columns: SIDE, rows: SIDE, affine, values: relief }));
  const field = await openRasterField(source, geographic, { maxFill: 8 });
  return openTerrainField([{ field }], { floor: 'sea-level', flats });
}

/** In samples from the middle, to the east and to the north. */
const corner = (x: number, y: number, lon = LON): [number, number] => [lon + x * STEP, LAT + y * STEP];
const box = (west: number, south: number, east: number, north: number, lon = LON): LonLatRing => [
  corner(west, south, lon),
  corner(east, south, lon),
  corner(east, north, lon),
  corner(west, north, lon),
  corner(west, south, lon),
];

function area(rings: readonly LonLatRing[], more: Partial<FlattenArea> = {}): FlattenArea {
  return { name: 'pond', rings, datum: 'sea-level', ...more };
}

/** Posts of a level round the middle, `reach` each way; a post of an even level lies on one of the level before. */
function postsRound(z: number, reach: number): PostGrid {
  const spacing = 180 / 2 ** z / 64;
  const [i, j] = [Math.round((LON + 180) / spacing), Math.round((90 - LAT) / spacing)];
  const side = 2 * reach + 1;
  return { scheme: geographic, z, x0: i - reach, y0: j - reach, columns: side, rows: side, perTile: 64 };
}

const hills: Relief = (c, r) => 500 + 40 * Math.sin(c / 9) * Math.cos(r / 7) + c / 5;

/** Places on a line from the middle to the east, `step` samples apart. */
function lineEast(count: number, step: number): Places {
  const lons = Float64Array.from({ length: count }, (_, k) => LON + k * step * STEP);
  return { across: count, down: 1, parallel: true, lons, lats: Float64Array.of(LAT) };
}

describe('inside', () => {
  it.each([12, 14, 16])('is the height above sea level to the last bit, at level %s', async (z) => {
    const field = await terrain(hills, [area([box(-20, -20, 20, 20)], { height: 431.7 })]);
    const places = placesOfPosts(postsRound(z, 12));
    const { heights, origin } = await field.groundAt(places, z);
    const undulations = undulationsAt(egm96(), places);
    let inside = 0;
    for (let i = 0; i < heights.length; i++) {
      const [x, y] = [places.lons[i % 25] - LON, places.lats[Math.floor(i / 25)] - LAT];
      if (Math.max(Math.abs(x), Math.abs(y)) >= 20 * STEP) {
        expect(origin[i]).not.toBe(Origin.flattened);
        continue;
      }
      inside++;
      expect(heights[i]).toBe(431.7 + undulations[i]);
      expect(origin[i]).toBe(Origin.flattened);
    }
    expect(inside).toBeGreaterThan(20);
    const { heights: posts, undulation } = await field.read(postsRound(z, 2));
    posts.forEach((height, i) => {
      expect(height).toBe(Math.fround(431.7 + undulation[i]));
    });
  });

  it('above the ellipsoid differs from above sea level by the geoid', async () => {
    const rings = [box(-20, -20, 20, 20)];
    const [sea, plain] = await Promise.all(
      (['sea-level', 'ellipsoid'] as const).map((datum) => terrain(hills, [area(rings, { height: 12.5, datum })])),
    );
    const places = lineEast(19, 1);
    const [above, ellipsoidal] = await Promise.all([sea, plain].map((field) => field.groundAt(places, 14)));
    expect([...ellipsoidal.heights]).toEqual(Array(19).fill(12.5));
    const undulations = undulationsAt(egm96(), places);
    for (let i = 0; i < 19; i++) expect(above.heights[i] - ellipsoidal.heights[i]).toBeCloseTo(undulations[i], 9);
    // Some 48 m in the Alps.
    expect(undulations[0]).toBeGreaterThan(40);
  });

  it('lies below what is named later', async () => {
    const ponds = [area([box(-20, -20, 10, 20)], { height: 1 }), area([box(0, -20, 30, 20)], { height: 2 })];
    for (const [flats, expected] of [
      [ponds, [1, 2, 2]],
      [ponds.toReversed(), [1, 1, 2]],
    ] as const) {
      const field = await terrain(hills, flats);
      const samples = await Promise.all([-10, 5, 20].map((x) => field.sampleAt(...corner(x, 0))));
      for (const [i, { height, undulation }] of samples.entries()) {
        expect(height - undulation).toBeCloseTo(expected[i], 9);
      }
    }
  });

  it('is not the island in it', async () => {
    const rings = [box(-40, -40, 40, 40), box(-10, -10, 10, 10)];
    const field = await terrain(hills, [area(rings, { height: 400, featherMetres: 60 })]);
    const bare = await terrain(hills, []);
    expect((await field.sampleAt(LON, LAT)).height).toBe((await bare.sampleAt(LON, LAT)).height);
    expect((await field.sampleAt(...corner(9, 0))).origin).toBe(Origin.feathered);
    expect((await field.sampleAt(...corner(11, 0))).origin).toBe(Origin.flattened);
  });
});

describe('round it', () => {
  it.each([200, 800])('rises from level 200 to the ground at %s m without turning back', async (ground) => {
    const featherMetres = 1000;
    const field = await terrain(() => ground, [area([box(-20, -20, 20, 20)], { height: 400, featherMetres })]);
    const places = lineEast(900, 0.1);
    const { heights, origin } = await field.groundAt(places, 16);
    const undulations = undulationsAt(egm96(), places);
    const above = heights.map((height, i) => height - undulations[i]);
    // 0.1 samples are 2.1 m from west to east at 47 N.
    const perStep = 0.1 * METRES * Math.cos((LAT * Math.PI) / 180);
    let steepest = 0;
    for (let i = 1; i < above.length; i++) {
      const step = (above[i] - above[i - 1]) * Math.sign(ground - 400);
      expect(step).toBeGreaterThan(-1e-9);
      steepest = Math.max(steepest, step);
      const beyond = (i - 200) * perStep;
      const expected = beyond < -1 ? Origin.flattened : beyond > featherMetres + 5 ? Origin.measured : Origin.feathered;
      if (Math.abs(beyond) > 5 && Math.abs(beyond - featherMetres) > 5) expect(origin[i]).toBe(expected);
    }
    // A cubic is at most 1.5 times as steep as a straight slope.
    expect(steepest).toBeLessThan((1.51 * Math.abs(ground - 400) * perStep) / featherMetres);
    expect(steepest).toBeGreaterThan((1.49 * Math.abs(ground - 400) * perStep) / featherMetres);
  });

  it('leaves what lies beyond as it is, and has a wall where no feather is wanted', async () => {
    const bare = await (await terrain(hills, [])).read(postsRound(14, 100));
    for (const featherMetres of [undefined, 0, 300]) {
      const field = await terrain(hills, [area([box(-15, -15, 15, 15)], { height: 100, featherMetres })]);
      const { heights, origin } = await field.read(postsRound(14, 100));
      let kept = 0;
      for (let i = 0; i < heights.length; i++) {
        if (origin[i] === Origin.flattened || origin[i] === Origin.feathered) continue;
        kept++;
        expect([heights[i], origin[i]]).toEqual([bare.heights[i], bare.origin[i]]);
      }
      expect(kept).toBeGreaterThan(1000);
      expect(origin.includes(Origin.feathered)).toBe(featherMetres !== 0);
    }
  });
});

describe('a height that nobody gives', () => {
  it('is the median of the ground along the outline', async () => {
    const slope = await terrain((c) => 100 + c, [area([box(-50, -30, 70, 30)])]);
    const { height, undulation, flats } = await slope.sampleAt(LON, LAT);
    // Samples 350 to 470: as much of the outline lies below the middle as above it.
    expect(height - undulation).toBeCloseTo(510, 0);
    expect(flats).toEqual([
      { area: expect.objectContaining({ name: 'pond' }), height: expect.closeTo(510, 0), share: 1 },
    ]);
    const cliff = await terrain((c) => (c > 460 ? 900 : 300), [area([box(-50, -30, 70, 30)])]);
    const shore = await cliff.sampleAt(LON, LAT);
    expect(shore.height - shore.undulation).toBeCloseTo(300, 3);
  });

  it('is one, whichever tile and level asks first', async () => {
    const found = new Set<number>();
    for (const [z, x, y] of [
      [14, LON, LAT],
      [9, LON, LAT],
      [16, LON + 30 * STEP, LAT - 20 * STEP],
    ]) {
      const field = await terrain(hills, [area([box(-50, -30, 70, 30)])]);
      const side = 180 / 2 ** z;
      await field.read(
        postsOfTile(geographic, { z, x: Math.floor((x + 180) / side), y: Math.floor((90 - y) / side) }, 1),
      );
      found.add((await field.sampleAt(LON, LAT)).height);
    }
    expect(found.size).toBe(1);
  });

  it('is read from an overview for an outline of more samples than are asked for', async () => {
    const teeth = Array.from({ length: 301 }, (_, k) => [corner(k - 150, -150), corner(k - 149.5, 150)]).flat();
    const field = await terrain(
      (_, r) => 1000 - r,
      [area([[...teeth, corner(150, -160), corner(-150, -160), teeth[0]]])],
    );
    const { height, undulation } = await field.sampleAt(LON, corner(0, -155)[1]);
    expect(height - undulation).toBeCloseTo(600, 0);
  });
});

/** Heights of both at the posts that they share: those of `fine` that fall on posts of `coarse`. */
function shared(coarse: PostGrid, fine: PostGrid): [at: number, of: number][] {
  const pairs: [number, number][] = [];
  const scale = 2 ** (fine.z - coarse.z);
  for (let j = 0; j < coarse.rows; j++) {
    for (let i = 0; i < coarse.columns; i++) {
      const [x, y] = [scale * (coarse.x0 + i) - fine.x0, scale * (coarse.y0 + j) - fine.y0];
      if (x >= 0 && y >= 0 && x < fine.columns && y < fine.rows)
        pairs.push([j * coarse.columns + i, y * fine.columns + x]);
    }
  }
  return pairs;
}

function randomAreas(random: () => number, lon = LON): FlattenArea[] {
  return Array.from({ length: 1 + Math.floor(4 * random()) }, (_, k) => {
    const [x, y, size, corners] = [
      120 * random() - 60,
      120 * random() - 60,
      5 + 50 * random(),
      3 + Math.floor(30 * random()),
    ];
    const ring = Array.from({ length: corners }, (_, c): [number, number] => {
      const [angle, reach] = [(2 * Math.PI * c) / corners, size * (0.2 + 0.8 * random())];
      return corner(x + reach * Math.cos(angle), y + reach * Math.sin(angle), lon);
    });
    return area([[...ring, ring[0]]], {
      name: `pond ${k}`,
      height: random() < 0.6 ? 300 + 300 * random() : undefined,
      datum: random() < 0.5 ? 'sea-level' : 'ellipsoid',
      featherMetres: random() < 0.5 ? undefined : 1500 * random(),
    });
  });
}

describe('whichever tile asks', () => {
  it('has one height at a place: random polygons over ground with voids', async () => {
    const random = seededRandom(17);
    let agreeing = 0;
    for (let round = 0; round < 20; round++) {
      const flats = randomAreas(random);
      const holes = Array.from({ length: 5 }, () => [SIDE * random(), SIDE * random(), 60 * random()] as const);
      const relief: Relief = (c, r) =>
        holes.some(([x, y, size]) => Math.hypot(c - x, r - y) < size) ? Number.NaN : hills(c, r);
      const field = await terrain(relief, flats);
      const z = 11 + Math.floor(4 * random());
      const whole = postsRound(z, 100);
      const all = await field.read(whole);
      const changed = all.origin.filter((one) => one === Origin.flattened || one === Origin.feathered).length;
      expect(changed).toBeGreaterThan(0);
      const side = 180 / 2 ** z;
      const [x, y] = [Math.floor((LON + 180) / side), Math.floor((90 - LAT) / side)];
      // Another field has found nothing yet.
      const other = await terrain(relief, flats);
      for (const tile of [
        { z, x, y },
        { z, x: x + 1, y },
        { z, x, y: y + 1 },
      ]) {
        const part = await other.read(postsOfTile(geographic, tile, 1));
        const pairs = shared(whole, part.posts);
        expect(pairs.length).toBeGreaterThan(500);
        for (const [at, of] of pairs) {
          if (part.heights[of] === all.heights[at] && part.origin[of] === all.origin[at]) continue;
          expect([round, z, part.heights[of], part.origin[of]]).toEqual([round, z, all.heights[at], all.origin[at]]);
        }
      }
      const below = await other.groundAt(placesOfPosts(postsRound(z + 1, 100)), z + 1);
      const exact = await field.groundAt(placesOfPosts(whole), z);
      for (const [at, of] of shared(whole, postsRound(z + 1, 100))) {
        const isFlat = exact.origin[at] === Origin.flattened;
        if (isFlat || exact.origin[at] === Origin.feathered) expect(below.origin[of]).toBe(exact.origin[at]);
        if (!isFlat) continue;
        agreeing++;
        expect(below.heights[of]).toBe(exact.heights[at]);
      }
    }
    expect(agreeing).toBeGreaterThan(1000);
  });

  it('is level across the date line, however the polygon is written', async () => {
    const [south, north] = [LAT - 20 * STEP, LAT + 20 * STEP];
    const rectangle = (west: number, east: number): LonLatRing => [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ];
    const across = 30 * STEP;
    const written = [
      [rectangle(180 - across, 180 + across)],
      [rectangle(-180 - across, -180 + across)],
      [rectangle(180 - across, 180), rectangle(-180, -180 + across)],
    ];
    const seen: number[] = [];
    for (const rings of written) {
      const field = await terrain(hills, [area(rings)], 180);
      const z = 14;
      const y = Math.floor((90 - LAT) / (180 / 2 ** z));
      const [west, east] = await Promise.all(
        [geographic.columns(z) - 1, 0].map((x) => field.read(postsOfTile(geographic, { z, x, y }, 1))),
      );
      const { columns, rows } = west.posts;
      for (let row = 0; row < rows; row++) {
        for (const k of [0, 1, 2]) {
          expect(west.heights[row * columns + columns - 3 + k]).toBe(east.heights[row * columns + k]);
        }
      }
      const seam = await field.sampleAt(180, LAT);
      expect(seam.origin).toBe(Origin.flattened);
      expect(seam.height).toBe((await field.sampleAt(-180, LAT)).height);
      expect(east.origin).toContain(Origin.feathered);
      seen.push(seam.height);
    }
    // The outline is begun elsewhere, so that its samples are others.
    for (const one of seen) expect(one).toBeCloseTo(seen[0], 0);
  });
});

describe('of a field with flattened areas', () => {
  it('shares add up to 1', async () => {
    const field = await terrain(hills, [
      area([box(-20, -20, 10, 20)], { height: 1, featherMetres: 500 }),
      area([box(5, -20, 30, 20)], { height: 2, featherMetres: 300 }),
    ]);
    for (let x = -60; x < 60; x += 3) {
      const { contributors, flats, floorShare, height, undulation } = await field.sampleAt(...corner(x, 0));
      const shares = [...contributors, ...flats].reduce((sum, { share }) => sum + share, floorShare);
      expect(shares).toBeCloseTo(1, 9);
      const ground = hills(400 + x, 400);
      const own = flats.reduce((sum, flat) => sum + flat.share * flat.height, 0);
      const rest = contributors.reduce((sum, { share }) => sum + share * ground, 0);
      expect(own + rest).toBeCloseTo(height - undulation, 2);
    }
  });

  it('the version is that of the areas, and not of their names', async () => {
    const rings = [box(-20, -20, 20, 20)];
    const versions = await Promise.all(
      [
        [],
        [area(rings)],
        [area(rings, { height: 5 })],
        [area(rings, { height: 5, datum: 'ellipsoid' })],
        [area(rings, { height: 5, featherMetres: 7 })],
        [area([box(-20, -20, 20, 21)])],
      ].map(async (flats) => (await terrain(hills, flats)).info.version),
    );
    expect(new Set(versions).size).toBe(versions.length);
    const renamed = await terrain(hills, [area(rings, { name: 'lake' })]);
    expect(renamed.info.version).toBe(versions[1]);
  });

  it('it is told where heights are changed', async () => {
    const field = await terrain(hills, [area([box(-20, -20, 20, 20)], { height: 5, featherMetres: 309 })]);
    const at = (x: number, y: number) => {
      const [west, south] = corner(x, y);
      return field.flattens({ west, south, east: west + STEP, north: south + STEP });
    };
    expect([at(0, 0), at(25, 0), at(0, -29), at(0, 29)]).toEqual([true, true, true, true]);
    expect([at(0, -33), at(0, 33), at(60, 0), at(-60, 0)]).toEqual([false, false, false, false]);
    expect(field.flattens({ west: -180, south: -90, east: 180, north: 90 })).toBe(true);
    expect((await terrain(hills, [])).flattens({ west: -180, south: -90, east: 180, north: 90 })).toBe(false);
  });
});
