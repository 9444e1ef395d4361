/** One raster source as a field: placed on the globe, its datum chosen, and how it is read for each level of tiles. */
import { createHash } from 'node:crypto';
import { type Crs, resolveCrs } from '../geo/crs.ts';
import { Origin, postSpacing, TILE_CELLS } from '../geo/post-grid.ts';
import type { LonLatBox, TilingScheme } from '../geo/tiling-scheme.ts';
import type { RasterInfo, RasterSource } from '../sources/raster-source.ts';
import { sheetsTouching, touchesSheets } from '../sources/sheet-index.ts';
import { chooseDatum, type Datum, type DatumOptions } from './datum.ts';
import { fillHalo } from './fill.ts';
import type { Stage } from './filled-sheet.ts';
import { checkGeoidCover } from './geoid-cover.ts';
import type { HeightFieldInfo, Touch } from './height-field.ts';
import { readingAspect } from './native-level.ts';
import { openSourceGrid, type SourceGrid } from './source-grid.ts';

export interface RasterFieldOptions extends Pick<DatumOptions, 'strict'> {
  /** Widest void in samples that is filled from its rim alone; wider ones, and what lies beyond the data, blend into what is below. */
  readonly maxFill: number;
  /** The bundled relief of the world, which is nobody's data. */
  readonly isBase?: boolean | undefined;
}

export interface RasterField {
  readonly info: HeightFieldInfo;
  readonly source: RasterSource;
  readonly crs: Crs;
  readonly grid: SourceGrid;
  readonly datum: Datum;
  readonly maxFill: number;
  /** That of the tiles which it is read for. */
  readonly scheme: TilingScheme;
  /** Origin of heights between its samples. */
  readonly dataOrigin: typeof Origin.measured | typeof Origin.base;
  /** Level of the source that heights of a tile level are read from. */
  levelFor(z: number): number;
  close(): Promise<void>;
}

export async function openRasterField(
  source: RasterSource,
  scheme: TilingScheme,
  { maxFill, strict, isBase = false }: RasterFieldOptions,
): Promise<RasterField> {
  const { info } = source;
  const crs = await resolveCrs(info.crs);
  const grid = openSourceGrid(info, crs, scheme);
  const densest = readingAspect(scheme, grid.bounds);
  const hash = info.version !== '';
  const chosen = await chooseDatum(info.vertical, info.name, { strict, around: grid.bounds, hash });
  const doubts = await checkGeoidCover(source, crs, chosen);
  const datum = { ...chosen, warnings: [...chosen.warnings, ...doubts] };
  const identity = [info.version, info.crs, info.vertical.unitMetres, datum.statement, datum.geoidVersion, maxFill];
  return {
    info: {
      name: info.name,
      bounds: grid.bounds,
      spacingDegrees: grid.spacingDegrees,
      version: createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32),
      datum: datum.statement,
      attribution: info.attribution,
    },
    source,
    crs,
    grid,
    datum,
    maxFill,
    scheme,
    dataOrigin: isBase ? Origin.base : Origin.measured,
    levelFor,
    close: () => source.close(),
  };

  /**
   * The coarsest level whose samples lie at most half as far apart as the posts: by tile level alone, so borders agree. A
   * plane through such a cell leaves so little out that few have to be looked into.
   */
  function levelFor(z: number): number {
    const ratio = (postSpacing({ scheme, z, perTile: TILE_CELLS }) * densest) / grid.spacingDegrees / 2;
    let best = 0;
    info.levels.forEach((level, k) => {
      if (Math.max(level.scaleX, level.scaleY) <= ratio * (1 + 1e-6)) best = k;
    });
    return best;
  }
}

/** Samples that a wide feather may span at the level that it is worked at; and at most, where no coarser level is left. */
const FEATHER_SAMPLES = 32;
const MAX_FEATHER_SAMPLES = 128;

/** How far a source's difference to what lies below reaches, and at which of its levels that is worked out. */
export interface Feather {
  /** Widest void, in level-0 samples, that is filled; beyond the data the join is half as wide. */
  readonly samples: number;
  /** Beyond what is filled at full resolution: one more stage, from an overview. */
  readonly wide: Stage | undefined;
}

/**
 * `samples`: twice the width of the join, in level-0 samples; one too wide for the source's coarsest level is narrowed. Up to
 * what is filled at full resolution anyway there is one stage.
 */
export function planFeather({ source, maxFill }: RasterField, samples: number): Feather {
  const { levels } = source.info;
  if (samples <= maxFill) return { samples, wide: undefined };
  const scaleOf = (level: number) => Math.min(levels[level].scaleX, levels[level].scaleY);
  const fits = levels.findIndex((_, level) => samples / scaleOf(level) <= FEATHER_SAMPLES);
  const level = fits < 0 ? levels.length - 1 : fits;
  const radius = Math.min(MAX_FEATHER_SAMPLES, Math.max(2, Math.round(samples / scaleOf(level))));
  if (radius * scaleOf(level) <= maxFill) return { samples: maxFill, wide: undefined };
  return { samples: radius * scaleOf(level), wide: { level, radius } };
}

/**
 * How a tile level reads the source itself. The difference close to the data is carried on from full detail, farther out
 * from an overview (`wide`), where it is smooth anyway: so a wide feather costs no more than a narrow one.
 */
export function nearStage(field: RasterField, { samples, wide }: Feather, z: number): Stage {
  const level = field.levelFor(z);
  const near = wide && wide.level > level ? Math.min(samples, field.maxFill) : samples;
  const most = Math.max(MAX_FEATHER_SAMPLES, field.maxFill);
  return { level, radius: Math.min(most, radiusAtLevel(field.source.info, level, near)) };
}

/**
 * The widest void filled, in samples of a level: the same on the ground at every level, and at least 2, which keeps the
 * sample beside the data free of what lies below: a coarse level's last sample stands for data up to its own edge.
 */
export function radiusAtLevel(info: RasterInfo, level: number, samples: number): number {
  const { scaleX, scaleY } = info.levels[level];
  return samples === 0 ? 0 : Math.max(2, Math.round(samples / Math.min(scaleX, scaleY)));
}

/** Levels by which the posts of a tile may be finer than the samples that a wide feather is worked out from. */
const FEATHER_DETAIL = 2;

/**
 * Whether data can change a height in a box (degrees, east may exceed 180) in a way that tiles below level z would show:
 * never wrongly `none`. Beyond the data a wide feather is smooth, so that it is worth tiles of coarse levels only.
 */
export function touchOf(field: RasterField, { samples, wide }: Feather, box: LonLatBox, z: number): Touch {
  const { info } = field.source;
  const { grid } = field;
  const featherLevel = wide && field.levelFor(z + FEATHER_DETAIL) >= wide.level;
  const reach = featherLevel ? samples : Math.min(samples, field.maxFill);
  const halo = fillHalo(reach / 2);
  const degrees = (halo + 2) * grid.spacingDegrees * worstAspect(field);
  const grown = {
    west: box.west - degrees / Math.max(0.01, shrinkOf(box)),
    south: box.south - degrees,
    east: box.east + degrees / Math.max(0.01, shrinkOf(box)),
    north: box.north + degrees,
  };
  if (!overlap(grown, grid.bounds)) return 'none';
  const side = box.east - box.west;
  // The corners of a box round the world are one meridian.
  if (side >= 360) return 'some';
  if (side > (grid.bounds.east - grid.bounds.west) / 2 && info.sheets.length === 1) return 'some';
  return touchOfSheets(field, box, halo);
}

/** How much longer a sample is one way than the other: the spacing is the lesser of both. */
function worstAspect({ source }: RasterField): number {
  const { a, b, d, e } = source.info.affine;
  const [across, down] = [Math.hypot(a, d), Math.hypot(b, e)];
  return Math.max(across, down) / Math.min(across, down);
}

/** By how much meridians draw together at the box's end nearest to a pole. */
function shrinkOf({ south, north }: LonLatBox): number {
  return Math.cos((Math.max(Math.abs(south), Math.abs(north)) * Math.PI) / 180);
}

/**
 * Whether any sheet comes within `reach` samples of the box: by its corners where samples run along meridians, else by
 * places on a grid of 3 x 3, or 9 x 9 where the box is large.
 */
function touchOfSheets({ source, grid }: RasterField, box: LonLatBox, reach: number): Touch {
  const straight = grid.asStored && source.info.affine.b === 0 && source.info.affine.d === 0;
  // Over a small box away from the poles a projection bends by far less than a quarter of a step.
  const small = box.east - box.west < 1 && Math.max(Math.abs(box.south), Math.abs(box.north)) < 80;
  const steps = straight ? 1 : small ? 2 : 8;
  let west = Infinity;
  let east = -Infinity;
  let north = Infinity;
  let south = -Infinity;
  for (let j = 0; j <= steps; j++) {
    for (let i = 0; i <= steps; i++) {
      const lon = box.west + ((box.east - box.west) * i) / steps;
      const [column, row] = grid.placeExactly(lon, box.south + ((box.north - box.south) * j) / steps);
      // Beyond the projection's domain nothing can be ruled out.
      if (!Number.isFinite(column) || !Number.isFinite(row)) return 'some';
      west = Math.min(west, column);
      east = Math.max(east, column);
      north = Math.min(north, row);
      south = Math.max(south, row);
    }
  }
  const { info } = source;
  const turn = info.periodColumns;
  // Longitudes are a circle, and the box's may be cut there.
  if (turn !== undefined) [west, east] = [0, turn];
  // Straight lines on the globe bend in the raster, between the places tried by less than a step.
  const bend = straight ? 0 : 1 / 8;
  const marginX = reach + (east - west) * bend;
  const marginY = reach + (south - north) * bend;
  const column = Math.floor(west - marginX);
  const row = Math.floor(north - marginY);
  const window = {
    column,
    row,
    columns: Math.floor(east + marginX) + 1 - column,
    rows: Math.floor(south + marginY) + 1 - row,
  };
  if (!touchesSheets(info, window)) return 'none';
  // A sheet that holds all of it holds its middle.
  const middle = {
    column: Math.floor(window.column + window.columns / 2),
    row: Math.floor(window.row + window.rows / 2),
    columns: 1,
    rows: 1,
  };
  const inside = sheetsTouching(info, middle).some(
    (s) =>
      s.row <= window.row &&
      s.row + s.rows >= window.row + window.rows &&
      (turn !== undefined
        ? s.columns >= turn
        : s.column <= window.column && s.column + s.columns >= window.column + window.columns),
  );
  return inside ? 'all' : 'some';
}

/** Whether two boxes meet, on the circle of longitudes. */
export function overlap(a: LonLatBox, b: LonLatBox): boolean {
  if (a.north < b.south || a.south > b.north) return false;
  const offset = (((a.west - b.west) % 360) + 360) % 360;
  return offset <= b.east - b.west || offset + (a.east - a.west) >= 360;
}
