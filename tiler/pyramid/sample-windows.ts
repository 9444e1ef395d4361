/**
 * Which full-resolution samples the drawn surface of every level is held against: small windows spread evenly over all
 * sources, chosen by a fixed seed. They hang on the sources alone, so every thread and every level has the same ones.
 */
import type { SourceGrid } from '../fields/source-grid.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { Origin } from '../geo/post-grid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import type { SampleWindow } from '../sources/raster-source.ts';

/** Windows of all sources together, about; fewer where each read is a trip over the network. */
export const WINDOWS = 1024;
const REMOTE_WINDOWS = 64;
/** Samples along a side of a window. */
export const WINDOW_SIDE = 8;
export const SEED = 1;

export interface ChosenWindow {
  /** Which of the field's members. */
  readonly member: number;
  /** Level-0 samples. */
  readonly window: SampleWindow;
  /** How many samples each of its samples stands for, as a share of the average. */
  readonly weight: number;
  /** Degrees; holds all of its samples. */
  readonly box: LonLatBox;
}

/** Windows that each hold as large a part of all samples, one in a place picked at random in each such part. */
export function chooseWindows(field: TerrainField): ChosenWindow[] {
  const sheets = field.members.flatMap(({ source, dataOrigin }, member) =>
    dataOrigin === Origin.base ? [] : source.info.sheets.map((sheet) => ({ member, sheet })),
  );
  const total = sheets.reduce((sum, { sheet }) => sum + sheet.columns * sheet.rows, 0);
  const isRemote = field.members.some(({ source }) => source.info.remote === true);
  const wanted = Math.min(isRemote ? REMOTE_WINDOWS : WINDOWS, Math.ceil(total / WINDOW_SIDE ** 2));
  const random = seededRandom(SEED);
  const part = total / wanted;
  const chosen: ChosenWindow[] = [];
  let before = 0;
  let next = random() * part;
  let k = 0;
  for (const { member, sheet } of sheets) {
    const end = before + sheet.columns * sheet.rows;
    let count = 0;
    while (k < wanted && next < end) {
      count++;
      next = (++k + random()) * part;
    }
    const { grid } = field.members[member];
    for (const { window, weight } of spread(sheet, count, random)) {
      chosen.push({ member, window, weight, box: boxOfWindow(grid, window) });
    }
    before = end;
  }
  return chosen;
}

/** In rows of as many windows, so that what is decoded together serves several. */
function* spread(
  sheet: SampleWindow,
  count: number,
  random: () => number,
): Generator<Pick<ChosenWindow, 'window' | 'weight'>> {
  if (count === 0) return;
  const bands = Math.min(count, Math.max(1, Math.round(Math.sqrt((count * sheet.rows) / sheet.columns))));
  const across = Math.floor(count / bands);
  for (let j = 0; j < bands; j++) {
    const row = pieceAt((j + random()) / bands, sheet.rows);
    for (let i = 0; i < across; i++) {
      const column = pieceAt((i + random()) / across, sheet.columns);
      yield {
        window: {
          column: sheet.column + column.first,
          row: sheet.row + row.first,
          columns: column.count,
          rows: row.count,
        },
        weight: ((count / (bands * across)) * WINDOW_SIDE ** 2) / (column.count * row.count),
      };
    }
  }
}

/** The piece of `WINDOW_SIDE` samples that holds a share of a line of them; the last may be shorter. */
function pieceAt(share: number, samples: number): { first: number; count: number } {
  const first = Math.floor((share * samples) / WINDOW_SIDE) * WINDOW_SIDE;
  return { first, count: Math.min(WINDOW_SIDE, samples - first) };
}

/** Degrees from a pole within which a window may go round it. */
const NEAR_POLE = 0.5;

function boxOfWindow(grid: SourceGrid, window: SampleWindow): LonLatBox {
  const { columns, rows } = window;
  const last = columns * rows - 1;
  const { lons, lats } = grid.placesOf(0, window, Int32Array.of(0, columns - 1, last - columns + 1, last));
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  const room = (north - south) / 8 + grid.spacingDegrees;
  const box = { south: south - room, north: north + room };
  if (Math.max(-south, north) > 90 - NEAR_POLE) return { ...box, west: -180, east: 180 };
  const near = Array.from(lons, (lon) => lon - 360 * Math.round((lon - lons[0]) / 360));
  const [west, east] = [Math.min(...near), Math.max(...near)];
  const aside = (east - west) / 8 + grid.spacingDegrees / Math.cos((Math.max(-south, north) * Math.PI) / 180);
  return { ...box, west: west - aside, east: east + aside };
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
