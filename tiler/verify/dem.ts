/**
 * The source that a surface is measured against: full-resolution samples as heights above the WGS84 ellipsoid at their own
 * longitudes and latitudes, read through the tiler's readers block by block. Voids are NaN; nothing is filled.
 */
import { RelievoError } from '../error.ts';
import type { Flat } from '../fields/flatten.ts';
import { nativeLevelOf } from '../fields/native-level.ts';
import { openRasterField, type RasterField } from '../fields/raster-field.ts';
import { applyAffine } from '../geo/affine.ts';
import { undulationsAt } from '../geo/geoid.ts';
import type { Places } from '../geo/places.ts';
import { geographic, type LonLatBox, webMercator } from '../geo/tiling-scheme.ts';
import { clipSource } from '../sources/clip-source.ts';
import { type MosaicMember, readMosaic } from '../sources/mosaic.ts';
import type { Understanding } from '../sources/open-file.ts';
import { openSources } from '../sources/open-source.ts';
import type { RasterSource } from '../sources/raster-source.ts';
import { touchesSheets } from '../sources/sheet-index.ts';
import { baseName } from '../sources/source-name.ts';
import { BlockStore } from './block-store.ts';
import { type DemAreas, leaveOutFlat, openFlats } from './dem-areas.ts';
import type { Sheet } from './sheet.ts';
import type { TileBox, Tiling } from './tiling.ts';

/** Samples of a rectangle of one grid. */
export interface DemBlock {
  readonly columns: number;
  readonly rows: number;
  /** Metres above the ellipsoid, row-major; NaN is void. */
  readonly heights: Float32Array;
  /** The same as a sheet, where samples run along meridians and parallels; else each has a place of its own. */
  readonly sheet: Sheet | undefined;
  /** Degrees; empty where there is a sheet. */
  readonly lons: Float64Array;
  readonly lats: Float64Array;
}

/** Where a block lies, and which part of it may lie under what was asked for: columns and rows, end exclusive. */
export interface BlockPlace {
  readonly column: number;
  readonly row: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Samples on one grid. */
export interface DemPart {
  readonly name: string;
  /** Degrees between samples, the coarser direction. */
  readonly step: number;
  /** Samples that it may have. */
  readonly samples: number;
  /** Blocks that may have samples under the box; never too few. */
  blocksUnder(box: TileBox): readonly BlockPlace[];
  read(place: BlockPlace, signal?: AbortSignal): Promise<DemBlock>;
}

export interface Dem {
  readonly names: readonly string[];
  /** What the heights are above, in a sentence. */
  readonly datum: string;
  readonly nativeLevel: number;
  /** Degrees; east may exceed 180. */
  readonly bounds: LonLatBox;
  /** The one on top first. */
  readonly parts: readonly DemPart[];
  close(): Promise<void>;
}

export interface DemOptions {
  readonly how?: Understanding | undefined;
  readonly areas?: DemAreas | undefined;
  /** Of the tiles, which the native level hangs on; by default EPSG:4326. */
  readonly projection?: Tiling['projection'] | undefined;
  readonly crsGrids?: readonly string[] | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly strict?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Samples along a side of a block. */
const SIDE = 1024;

/** Opens what `relievo build` takes as sources; fails as that does. */
export async function openDem(names: readonly string[], options: DemOptions = {}): Promise<Dem> {
  const { how = {}, areas: { clip: cut, flats = [] } = {}, projection, allow = [], strict, signal } = options;
  const scheme = projection === 'EPSG:3857' ? webMercator : geographic;
  const opened: RasterSource[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((source) => source.close()));
  };
  try {
    const fields: RasterField[] = [];
    for (const member of await readMosaic(names, { how, allow, signal })) {
      if (member.base) continue;
      for (const source of await openMember(member)) {
        fields.push(await openRasterField(source, geographic, { maxFill: 0, strict }));
      }
    }
    if (fields.length === 0) throw nothingLeft(names, cut !== undefined);
    const store = new BlockStore();
    const levelled = openFlats(flats, fields);
    return {
      names: fields.map(({ info }) => info.name),
      datum: [...new Set(fields.map(({ datum }) => datum.statement.because))].join('; '),
      nativeLevel: Math.max(...fields.map((field) => nativeLevelOf(field, scheme))),
      bounds: boundsRound(fields.map(({ grid }) => grid.bounds)),
      parts: fields.map((field, i) => partOf(field, fields.slice(0, i), levelled, store)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }

  async function openMember(member: MosaicMember): Promise<readonly RasterSource[]> {
    const { crsGrids = [] } = options;
    const sources = await openSources(member.paths, {
      ...member.how,
      crsGrids: [...crsGrids],
      allow,
      hash: false,
      signal,
    });
    opened.push(...sources);
    let clipped: readonly RasterSource[] = sources;
    for (const clip of [member.clip, cut]) {
      if (clip) clipped = await Promise.all(clipped.map((source) => clipSource(source, clip)));
    }
    return clipped.filter(({ info }) => info.sheets.length > 0);
  }
}

function nothingLeft(names: readonly string[], clipped: boolean): RelievoError {
  const why = clipped
    ? 'lies inside the polygons that it is clipped to: are they in longitude and latitude?'
    : 'can be measured against: no source of its own is left';
  return new RelievoError('input-unsupported', `Nothing of ${names.map(baseName).join(', ')} ${why}`);
}

function partOf(field: RasterField, above: readonly RasterField[], flats: readonly Flat[], store: BlockStore): DemPart {
  const { source, grid } = field;
  const { affine, levels, sheets, periodColumns } = source.info;
  const [{ columns, rows }] = levels;
  const straight = grid.asStored && affine.b === 0 && affine.d === 0 && affine.a > 0 && affine.e < 0;
  const step = grid.asStored
    ? Math.max(Math.hypot(affine.a, affine.d), Math.hypot(affine.b, affine.e))
    : grid.spacingDegrees;
  return {
    name: field.info.name,
    step,
    samples: sheets.reduce((sum, sheet) => sum + sheet.columns * sheet.rows, 0),
    blocksUnder,
    read: (place, signal) => store.get(source, place, () => readBlock(place, signal)),
  };

  function blocksUnder(box: TileBox): BlockPlace[] {
    const { left, top, right, bottom } = windowUnder(box);
    const found: BlockPlace[] = [];
    for (let row = Math.floor(top / SIDE) * SIDE; row < bottom; row += SIDE) {
      for (let column = Math.floor(left / SIDE) * SIDE; column < right; column += SIDE) {
        if (!touchesSheets(source.info, { column, row, columns: SIDE, rows: SIDE })) continue;
        found.push({
          column,
          row,
          left: Math.max(0, left - column),
          top: Math.max(0, top - row),
          right: Math.min(SIDE, right - column),
          bottom: Math.min(SIDE, bottom - row),
        });
      }
    }
    return found;
  }

  /** Columns and rows that may lie under the box: by places all over it, with room for what bends between them. */
  function windowUnder(box: TileBox): { left: number; top: number; right: number; bottom: number } {
    const whole = { left: 0, top: 0, right: columns, bottom: rows };
    if (!meets(box, grid.bounds)) return { left: 0, top: 0, right: 0, bottom: 0 };
    // Over so much of the globe projections fold, and longitudes may meet the raster's own seam.
    if (box.width > 20) return whole;
    const steps = straight ? 1 : 6;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let j = 0; j <= steps; j++) {
      for (let i = 0; i <= steps; i++) {
        const lon = box.west + (box.width * i) / steps;
        const [column, row] = grid.placeExactly(lon, box.south + (box.height * j) / steps);
        if (!Number.isFinite(column) || !Number.isFinite(row)) return whole;
        left = Math.min(left, column);
        right = Math.max(right, column);
        top = Math.min(top, row);
        bottom = Math.max(bottom, row);
      }
    }
    // Beyond a parallel border the drawn side bulges by an eighth of the tile at the very most.
    const roomX = 2 + (straight ? 0 : (right - left) / 8);
    const roomY = 2 + (bottom - top) / 8;
    if (periodColumns !== undefined && right - left > columns / 2) [left, right] = [0, columns];
    return {
      left: Math.max(0, Math.floor(left - roomX)),
      top: Math.max(0, Math.floor(top - roomY)),
      right: Math.min(columns, Math.ceil(right + roomX) + 1),
      bottom: Math.min(rows, Math.ceil(bottom + roomY) + 1),
    };
  }

  async function readBlock({ column, row }: BlockPlace, signal?: AbortSignal): Promise<DemBlock> {
    const across = Math.min(SIDE, columns - column);
    const down = Math.min(SIDE, rows - row);
    const heights = await source.read(0, { column, row, columns: across, rows: down }, { signal });
    const places = straight ? placesAlong(column, row, across, down) : placesOfAll(column, row, across, down);
    toEllipsoid(heights, places);
    const sheet: Sheet | undefined = straight
      ? {
          name: field.info.name,
          west: places.lons[0],
          north: places.lats[0],
          stepX: affine.a,
          stepY: -affine.e,
          columns: across,
          rows: down,
          heights,
        }
      : undefined;
    for (const upper of above) leaveOut(heights, places, upper);
    for (const flat of flats) leaveOutFlat(flat, heights, places);
    const none = new Float64Array();
    return {
      columns: across,
      rows: down,
      heights,
      sheet,
      lons: straight ? none : places.lons,
      lats: straight ? none : places.lats,
    };
  }

  function placesAlong(column: number, row: number, across: number, down: number): Places {
    const lons = Float64Array.from({ length: across }, (_, i) => applyAffine(affine, column + i, row)[0]);
    const lats = Float64Array.from({ length: down }, (_, j) => applyAffine(affine, column, row + j)[1]);
    return { across, down, parallel: true, lons, lats };
  }

  function placesOfAll(column: number, row: number, across: number, down: number): Places {
    const indices = Int32Array.from({ length: across * down }, (_, i) => i);
    return { ...grid.placesOf(0, { column, row, columns: across, rows: down }, indices), across, down };
  }

  function toEllipsoid(heights: Float32Array, places: Places): void {
    const unit = source.info.vertical.unitMetres;
    const geoid = field.datum.sourceGeoid;
    const undulations = geoid && undulationsAt(geoid, places);
    for (let i = 0; i < heights.length; i++) heights[i] = heights[i] * unit + (undulations ? undulations[i] : 0);
  }
}

/** Samples round the rim of an upper source within which the lower one is raised to meet it. */
const JOIN = 64;

/** Makes void what lies under another source's sheets, or so near to them that the join reaches there. */
function leaveOut(heights: Float32Array, places: Places, { grid, source }: RasterField): void {
  const { across, down, parallel, lons, lats } = places;
  for (let j = 0; j < down; j++) {
    for (let i = 0; i < across; i++) {
      const at = j * across + i;
      if (Number.isNaN(heights[at])) continue;
      const [column, row] = grid.placeExactly(lons[parallel ? i : at], lats[parallel ? j : at]);
      if (!Number.isFinite(column) || !Number.isFinite(row)) continue;
      const window = {
        column: Math.floor(column) - JOIN,
        row: Math.floor(row) - JOIN,
        columns: 2 * JOIN + 2,
        rows: 2 * JOIN + 2,
      };
      if (touchesSheets(source.info, window)) heights[at] = Number.NaN;
    }
  }
}

/** Whether a tile meets a box of degrees, in any turn. */
function meets(box: TileBox, bounds: RasterField['grid']['bounds']): boolean {
  const roomY = box.height / 8;
  if (bounds.north < box.south - roomY || bounds.south > box.south + box.height + roomY) return false;
  const room = 1e-6;
  return [-360, 0, 360].some(
    (turn) => bounds.west + turn < box.west + box.width + room && bounds.east + turn > box.west - room,
  );
}

/** The box round all; longitudes by the first one's turn. */
function boundsRound(boxes: readonly LonLatBox[]): LonLatBox {
  const [first] = boxes;
  let [west, east] = [first.west, first.east];
  for (const box of boxes.slice(1)) {
    const turn = Math.round((first.west - box.west) / 360) * 360;
    west = Math.min(west, box.west + turn);
    east = Math.max(east, box.east + turn);
  }
  const south = Math.min(...boxes.map((box) => box.south));
  const north = Math.max(...boxes.map((box) => box.north));
  return { west, south, east: Math.min(east, west + 360), north };
}

function boundsOfSheet({ west, north, stepX, stepY, columns, rows }: Sheet): LonLatBox {
  return { west, north, east: west + (columns - 1) * stepX, south: north - (rows - 1) * stepY };
}

/** A DEM of sheets held in memory: known answers, and other people's readers. */
export function demOfSheets(sheets: readonly Sheet[], level = 0): Dem {
  return {
    names: sheets.map(({ name }) => name),
    datum: 'as given',
    nativeLevel: level,
    bounds: boundsRound(sheets.map(boundsOfSheet)),
    parts: sheets.map((sheet): DemPart => {
      const { columns, rows, heights, stepX, stepY } = sheet;
      const whole = { column: 0, row: 0, left: 0, top: 0, right: columns, bottom: rows };
      const none = new Float64Array();
      const bounds = boundsOfSheet(sheet);
      return {
        name: sheet.name,
        step: Math.max(stepX, stepY),
        samples: heights.length,
        blocksUnder: (box) => (meets(box, bounds) ? [whole] : []),
        read: async () => ({ columns, rows, heights, sheet, lons: none, lats: none }),
      };
    }),
    close: async () => {},
  };
}
