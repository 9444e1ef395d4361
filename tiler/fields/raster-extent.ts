/**
 * Where a raster lies on the globe and how far apart its samples are there, from its affine and its CRS: degrees of longitude
 * and latitude on WGS84.
 */
import { RelievoError } from '../error.ts';
import { type Affine, applyAffine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { RasterInfo } from '../sources/raster-source.ts';

/** Where the raster lies on the globe; never too small. Refuses with `crs` what lies nowhere. `inverse`: of its affine. */
export function findBounds(info: RasterInfo, crs: Crs, inverse: Affine): LonLatBox {
  const { columns, rows } = info.levels[0];
  if (isLonLat(crs) && info.affine.b === 0 && info.affine.d === 0) {
    const [x0, y0] = applyAffine(info.affine, -0.5, -0.5);
    const [x1, y1] = applyAffine(info.affine, columns - 0.5, rows - 0.5);
    const lat = { south: Math.max(-90, Math.min(y0, y1)), north: Math.min(90, Math.max(y0, y1)) };
    const west = Math.min(x0, x1);
    const width = Math.abs(x1 - x0);
    if (width >= 360) return { west: -180, east: 180, ...lat };
    const start = ((((west + 180) % 360) + 360) % 360) - 180;
    return { west: start, east: start + width, ...lat };
  }
  return boundsOfPlaces(info, crs, inverse);
}

/** The box round the places of samples spread over the raster and along its rim, grown by the gap between them. */
function boundsOfPlaces(info: RasterInfo, crs: Crs, inverse: Affine): LonLatBox {
  const { columns, rows } = info.levels[0];
  const lons: number[] = [];
  let south = 90;
  let north = -90;
  for (const [column, row] of spread(columns, rows, 65)) {
    const [lon, lat] = crs.inverse(applyAffine(info.affine, column, row));
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) continue;
    lons.push(lon);
    south = Math.min(south, lat);
    north = Math.max(north, lat);
  }
  if (lons.length === 0) {
    throw new RelievoError(
      'crs',
      `None of the raster lies inside the domain of ${crs.name}: its coordinates or its CRS are wrong`,
      {
        where: info.name,
      },
    );
  }
  const margin = Math.max(1e-9, (north - south) / 64);
  south -= margin;
  north += margin;
  for (const pole of [90, -90]) {
    const [column, row] = (() => {
      const [x, y] = crs.forward([0, pole]);
      return applyAffine(inverse, x, y);
    })();
    if (column > -1 && column < columns && row > -1 && row < rows) {
      if (pole > 0) north = 90;
      else south = -90;
    }
  }
  const { west, east } = enclosingArc(lons);
  const marginLon = (east - west) / 64;
  const full = east - west + 2 * marginLon >= 359 || north >= 90 || south <= -90;
  return {
    south: Math.max(-90, south),
    north: Math.min(90, north),
    west: full ? -180 : west - marginLon,
    east: full ? 180 : east + marginLon,
  };
}

/** Degrees of latitude between neighbouring samples at the middle of the raster, the finer of both directions. */
export function findSpacing(info: RasterInfo, crs: Crs): number {
  const { columns, rows } = info.levels[0];
  const column = (columns - 1) / 2;
  const row = (rows - 1) / 2;
  const { a, b, d, e } = info.affine;
  if (crs.geographic) return Math.min(Math.hypot(a, d), Math.hypot(b, e)) * crs.unitMetres;
  const here = crs.inverse(applyAffine(info.affine, column, row));
  const along = crs.inverse(applyAffine(info.affine, column + 1, row));
  const down = crs.inverse(applyAffine(info.affine, column, row + 1));
  return Math.min(degreesBetween(here, along), degreesBetween(here, down));
}

/** Whether coordinates are longitude and latitude on WGS84, in degrees, without any shift. */
export function isLonLat(crs: Crs): boolean {
  if (!crs.geographic || crs.unitMetres !== 1) return false;
  const places = [
    [7.25, 46.5],
    [-71.5, -33.25],
  ] as const;
  return places.every(([lon, lat]) => {
    const [x, y] = crs.forward([lon, lat]);
    return x === lon && y === lat;
  });
}

/** `side` by `side` samples over the raster, outer edges included. */
export function* spread(columns: number, rows: number, side: number): Generator<[column: number, row: number]> {
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      yield [-0.5 + (columns * i) / (side - 1), -0.5 + (rows * j) / (side - 1)];
    }
  }
}

/** The shortest arc of longitude that holds all; west within -180..180, east at most 360 further. */
export function enclosingArc(lons: readonly number[]): { west: number; east: number } {
  const sorted = lons.map((lon) => ((((lon + 180) % 360) + 360) % 360) - 180).sort((a, b) => a - b);
  let gap = sorted[0] + 360 - sorted[sorted.length - 1];
  let west = sorted[0];
  let east = sorted[sorted.length - 1];
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] - sorted[i - 1] <= gap) continue;
    gap = sorted[i] - sorted[i - 1];
    west = sorted[i];
    east = sorted[i - 1] + 360;
  }
  return { west, east };
}

/** Distance on the sphere, in degrees of latitude. */
function degreesBetween([lonA, latA]: readonly [number, number], [lonB, latB]: readonly [number, number]): number {
  const east = (((lonB - lonA + 540) % 360) - 180) * Math.cos((((latA + latB) / 2) * Math.PI) / 180);
  return Math.hypot(east, latB - latA);
}
