import { expect, it } from 'vitest';
import { type LonLatRing, openLonLatArea } from '../../tiler/geo/lon-lat-area.ts';
import { seededRandom } from '../../tiler/verify/random.ts';

const RADIUS = 6371000;

/** On the sphere, by the haversine. */
function metresBetween([lonA, latA]: readonly [number, number], [lonB, latB]: readonly [number, number]): number {
  const rad = Math.PI / 180;
  const a =
    Math.sin(((latB - latA) * rad) / 2) ** 2 +
    Math.cos(latA * rad) * Math.cos(latB * rad) * Math.sin(((lonB - lonA) * rad) / 2) ** 2;
  return 2 * RADIUS * Math.asin(Math.sqrt(a));
}

/** Round a middle, as many corners as asked, closed; degrees. */
function star(random: () => number, [lon, lat]: readonly [number, number], size: number, corners: number): LonLatRing {
  const ring = Array.from({ length: corners }, (_, k): [number, number] => {
    const angle = (2 * Math.PI * k) / corners;
    const reach = size * (0.3 + 0.7 * random());
    return [lon + (reach * Math.cos(angle)) / Math.cos((lat * Math.PI) / 180), lat + reach * Math.sin(angle)];
  });
  return [...ring, ring[0]];
}

/** By angles: the ring goes round a place that lies inside. */
function goesRound(ring: LonLatRing, [x, y]: readonly [number, number]): boolean {
  let turned = 0;
  for (let i = 1; i < ring.length; i++) {
    const [a, b] = [ring[i - 1], ring[i]].map(([lon, lat]) => Math.atan2(lat - y, lon - x));
    turned += Math.atan2(Math.sin(b - a), Math.cos(b - a));
  }
  return Math.abs(turned) > Math.PI;
}

it('finds what lies inside and how far the rest is, as every edge tried by itself', () => {
  const random = seededRandom(3);
  for (let round = 0; round < 8; round++) {
    const middle = [360 * random() - 180, 160 * random() - 80] as const;
    const outer = star(random, middle, 0.02, 3 + Math.floor(200 * random()));
    const hole = star(random, middle, 0.005, 5);
    const area = openLonLatArea([outer, hole]);
    for (let k = 0; k < 100; k++) {
      const across = 0.03 / Math.cos((middle[1] * Math.PI) / 180);
      const place = [middle[0] + across * (2 * random() - 1), middle[1] + 0.03 * (2 * random() - 1)] as const;
      const inside = goesRound(outer, place) && !goesRound(hole, place);
      // Another turn round the Earth is the same place.
      const found = area.distance(place[0] + (place[0] > 0 ? -360 : 360), place[1], 5000);
      expect(found === 0).toBe(inside);
      if (inside) continue;
      let least = Number.POSITIVE_INFINITY;
      for (const ring of [outer, hole]) {
        for (let i = 1; i < ring.length; i++) {
          for (let t = 0; t <= 1; t += 1 / 100) {
            const at = [0, 1].map((axis) => ring[i - 1][axis] * (1 - t) + ring[i][axis] * t);
            least = Math.min(least, metresBetween(place, [at[0], at[1]]));
          }
        }
      }
      expect(Math.abs(found - least)).toBeLessThan(0.01 * least + 8);
    }
  }
});

it('says nothing of what lies beyond the distance that is asked for', () => {
  const area = openLonLatArea([star(seededRandom(1), [7, 46], 0.02, 9)]);
  const far = area.distance(7.05, 46, 1e6);
  expect(far).toBeGreaterThan(1000);
  expect(area.distance(7.05, 46, far)).toBe(Number.POSITIVE_INFINITY);
  expect(area.distance(7.05, 46, far * 1.001)).toBe(far);
  expect(area.distance(7.05, 46, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(area.distance(7, 46, 0)).toBe(0);
});

const box = (west: number, south: number, east: number, north: number): LonLatRing => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];

it('is one area where it was cut at the date line, without an outline there', () => {
  const cut = openLonLatArea([box(179, 10, 180, 12), box(-180, 10, -179, 12)]);
  const whole = openLonLatArea([box(179, 10, 181, 12)]);
  expect(cut.outlineMetres).toBeCloseTo(whole.outlineMetres, 3);
  for (const [lon, lat] of [
    [-180, 11],
    [180, 11],
    [179.5, 11],
    [-179.5, 11],
    [-180, 12.001],
    [-178.99, 11],
    [178.99, 9.99],
  ] as const) {
    expect(cut.distance(lon, lat, 5000)).toBe(whole.distance(lon, lat, 5000));
  }
  expect(cut.distance(-180, 11, 5000)).toBe(0);
  const places = cut.alongOutline(500).flatMap(({ lons, lats }) => [...lons].map((lon, i) => [lon, lats[i]] as const));
  expect(places).toHaveLength(500);
  expect(places.filter(([lon, lat]) => Math.abs(lon) === 180 && lat > 10 && lat < 12)).toEqual([]);
});

it('holds a pole, whatever longitude it is asked by', () => {
  for (const pole of [90, -90]) {
    const cap = openLonLatArea([
      box(-180, Math.min(80 * Math.sign(pole), pole), 180, Math.max(80 * Math.sign(pole), pole)),
    ]);
    for (const lon of [-180, -179.99, 0, 97.3, 180]) {
      expect(cap.distance(lon, pole, 100)).toBe(0);
      expect(cap.distance(lon, 0.99 * pole, 100)).toBe(0);
      expect(cap.distance(lon, 0.5 * pole, 100)).toBe(Number.POSITIVE_INFINITY);
    }
    // Only the parallel is left of its outline.
    expect(cap.alongOutline(64).flatMap(({ lats }) => [...lats])).toEqual(Array(64).fill(80 * Math.sign(pole)));
  }
});

it('goes along its outline in equal steps, ring by ring', () => {
  const area = openLonLatArea([box(7, 46, 7.02, 46.01), box(7.005, 46.002, 7.01, 46.004)]);
  const rings = area.alongOutline(300);
  expect(rings).toHaveLength(2);
  const step = area.outlineMetres / 300;
  for (const { lons, lats } of rings) {
    for (let i = 1; i < lons.length; i++) {
      expect(metresBetween([lons[i - 1], lats[i - 1]], [lons[i], lats[i]])).toBeLessThan(1.01 * step);
    }
  }
  const [outer, inner] = rings.map(({ lons }) => lons.length);
  expect(outer + inner).toBe(300);
  // Sides of 1.55 by 1.11 km, and of 0.387 by 0.222 km.
  expect(outer / 300).toBeCloseTo(2.66 / (2.66 + 0.609), 2);
});
