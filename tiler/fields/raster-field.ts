/** The height field of one raster source: placed, filled, resampled, and brought to the ellipsoid. */
import { createHash } from 'node:crypto';
import { type Crs, resolveCrs } from '../geo/crs.ts';
import { undulationAt } from '../geo/geoid.ts';
import { type Origin, type PostGrid, postSpacing } from '../geo/post-grid.ts';
import type { LonLatBox, TilingScheme } from '../geo/tiling-scheme.ts';
import type { RasterInfo, RasterSource, ReadOptions, SheetWindow } from '../sources/raster-source.ts';
import { applyDatum, chooseDatum, type Datum, type DatumOptions, type GeoidReach, geoidBeyondGrid } from './datum.ts';
import { fillHalo } from './fill.ts';
import { checkGeoidCover } from './geoid-cover.ts';
import type { HeightField } from './height-field.ts';
import { radiusAtLevel, resample } from './resample.ts';
import { openSourceGrid, type SourceGrid } from './source-grid.ts';

export interface RasterFieldOptions extends Pick<DatumOptions, 'outside' | 'strict'> {
  /** Widest void in samples that is filled from its rim; beyond it, or outside the raster, the rest blends outside. */
  readonly maxFill: number;
}

/** Everything about the height at one place, as the tiler sees it at the source's full resolution. */
export interface HeightSample {
  /** Metres above the ellipsoid. */
  readonly height: number;
  /** Geoid above ellipsoid, metres: `height - undulation` is above sea level. */
  readonly undulation: number;
  /** Metres that the source's own geoid adds here; 0 when its heights are ellipsoidal. */
  readonly geoidHeight: number;
  readonly origin: Origin;
  /** Level-0 sample indices, fractional; NaN when the CRS has none here. */
  readonly column: number;
  readonly row: number;
  readonly sheet: SheetWindow | undefined;
  /** Stored values north-west, north-east, south-west, south-east of the place, in the file's unit; NaN is void. */
  readonly raw: readonly number[];
  /** Share of *outside* in the height, 0..1. */
  readonly outsideWeight: number;
}

export interface RasterField extends HeightField {
  readonly source: RasterSource;
  readonly crs: Crs;
  readonly grid: SourceGrid;
  readonly datum: Datum;
  /** Level of the source that heights of a tile level are read from. */
  levelFor(z: number): number;
  sampleAt(lon: number, lat: number): Promise<HeightSample>;
}

export async function openRasterField(
  source: RasterSource,
  scheme: TilingScheme,
  options: RasterFieldOptions,
): Promise<RasterField> {
  const { info } = source;
  const crs = await resolveCrs(info.crs);
  const grid = openSourceGrid(info, crs, scheme);
  const fillRadius = options.maxFill;
  const reachDegrees = (fillRadius / 2 + 2) * grid.spacingDegrees;
  const chosen = await chooseDatum(info.vertical, info.name, {
    outside: options.outside,
    strict: options.strict,
    around: grid.bounds,
    hash: info.version !== '',
  });
  const doubts = await checkGeoidCover(source, crs, chosen);
  const datum = { ...chosen, warnings: [...chosen.warnings, ...doubts] };

  return {
    source,
    crs,
    grid,
    datum,
    info: {
      name: info.name,
      bounds: grid.bounds,
      spacingDegrees: grid.spacingDegrees,
      version: hashOf([
        info.version,
        info.crs,
        info.vertical.unitMetres,
        datum.statement,
        datum.geoidVersion,
        datum.outside,
        fillRadius,
      ]),
      datum: datum.statement,
      attribution: info.attribution,
    },
    levelFor,
    read,
    sampleAt,
    touches,
    close: () => source.close(),
  };

  /** The coarsest level whose samples lie no further apart than the posts: by tile level alone, so borders agree. */
  function levelFor(z: number): number {
    const ratio = postSpacing({ scheme, z, perTile: 64 }) / grid.spacingDegrees;
    let best = 0;
    info.levels.forEach((level, k) => {
      if (Math.max(level.scaleX, level.scaleY) <= ratio * (1 + 1e-6)) best = k;
    });
    return best;
  }

  async function read(posts: PostGrid, { signal }: ReadOptions = {}) {
    const positions = grid.place(posts);
    const level = levelFor(posts.z);
    const resampled = await resample(source, level, positions, { fillRadius, signal });
    return applyDatum(posts, resampled, datum, geoidReach(level));
  }

  /** A coarse sample may stand for data beside it; samples may lie three times as far apart one way as the other. */
  function geoidReach(level: number): GeoidReach {
    const { scaleX, scaleY } = info.levels[level];
    const sample = 3 * Math.max(scaleX, scaleY) * grid.spacingDegrees;
    return { slack: level === 0 ? 0 : sample, reach: (radiusAtLevel(info, level, fillRadius) + 2) * sample };
  }

  async function sampleAt(lon: number, lat: number): Promise<HeightSample> {
    const [column, row] = grid.placeExactly(lon, lat);
    const positions = {
      across: 1,
      down: 1,
      parallel: true,
      columns: Float64Array.of(column),
      rows: Float64Array.of(row),
    };
    const { values, outsideWeight, origin } = await resample(source, 0, positions, { fillRadius });
    const undulation = undulationAt(datum.seaLevel, lon, lat);
    const outsideHeight = datum.outside === 'sea-level' ? undulation : 0;
    const weight = outsideWeight[0];
    const geoid = weight === 1 ? undulation : geoidAt(lon, lat, origin[0]);
    const left = Math.floor(column);
    const top = Math.floor(row);
    const raw = Number.isNaN(column)
      ? []
      : Array.from(await source.read(0, { column: left, row: top, columns: 2, rows: 2 }));
    return {
      height: values[0] + geoid * (1 - weight) + outsideHeight * weight,
      undulation,
      geoidHeight: geoid,
      origin: origin[0] as Origin,
      column,
      row,
      sheet: info.sheets.find((s) => contains(s, column, row)),
      raw,
      outsideWeight: weight,
    };
  }

  function geoidAt(lon: number, lat: number, origin: number): number {
    const { sourceGeoid } = datum;
    if (sourceGeoid === undefined) return 0;
    const value = undulationAt(sourceGeoid, lon, lat);
    return Number.isNaN(value) ? geoidBeyondGrid(sourceGeoid, lon, lat, { origin, ...geoidReach(0) }) : value;
  }

  function touches(box: LonLatBox): boolean {
    const grown = {
      west: box.west - reachDegrees,
      south: box.south - reachDegrees,
      east: box.east + reachDegrees,
      north: box.north + reachDegrees,
    };
    if (!overlap(grown, grid.bounds)) return false;
    const side = box.east - box.west;
    if (side > (grid.bounds.east - grid.bounds.west) / 2 && info.sheets.length === 1) return true;
    return touchesSheet(info, grid, box, fillHalo(fillRadius / 2));
  }
}

/** Whether any sheet comes within `reach` samples of the box, whose places are tried on a 9 x 9 grid. */
function touchesSheet(info: RasterInfo, grid: SourceGrid, box: LonLatBox, reach: number): boolean {
  const steps = 8;
  let west = Infinity;
  let east = -Infinity;
  let north = Infinity;
  let south = -Infinity;
  for (let j = 0; j <= steps; j++) {
    for (let i = 0; i <= steps; i++) {
      const lon = box.west + ((box.east - box.west) * i) / steps;
      const [column, row] = grid.placeExactly(lon, box.south + ((box.north - box.south) * j) / steps);
      // Beyond the projection's domain nothing can be ruled out.
      if (!Number.isFinite(column) || !Number.isFinite(row)) return true;
      west = Math.min(west, column);
      east = Math.max(east, column);
      north = Math.min(north, row);
      south = Math.max(south, row);
    }
  }
  // Straight lines on the globe bend in the raster, between the places tried by less than a step.
  const marginX = reach + (east - west) / steps;
  const marginY = reach + (south - north) / steps;
  const turn = info.periodColumns ?? 0;
  return info.sheets.some(
    (s) =>
      s.row <= south + marginY &&
      s.row + s.rows >= north - marginY &&
      (turn > 0 || (s.column <= east + marginX && s.column + s.columns >= west - marginX)),
  );
}

function contains(s: SheetWindow, column: number, row: number): boolean {
  return (
    column >= s.column - 0.5 && column < s.column + s.columns - 0.5 && row >= s.row - 0.5 && row < s.row + s.rows - 0.5
  );
}

/** Whether two boxes meet, on the circle of longitudes. */
function overlap(a: LonLatBox, b: LonLatBox): boolean {
  if (a.north < b.south || a.south > b.north) return false;
  const offset = (((a.west - b.west) % 360) + 360) % 360;
  return offset <= b.east - b.west || offset + (a.east - a.west) >= 360;
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
