/**
 * Whether a geoid grid covers the data, and whether it is one: tried before the first tile, so that a build does not
 * fail hours later. What these places miss, `layOver` finds at the posts themselves.
 */

import { RelievoError } from '../error.ts';
import { applyAffine } from '../geo/affine.ts';
import type { Crs } from '../geo/crs.ts';
import { undulationAt } from '../geo/geoid.ts';
import type { RasterSource, ReadOptions } from '../sources/raster-source.ts';
import { type Datum, noGeoidHere } from './datum.ts';

/** Places tried in all sheets together, at least four in each that is tried. */
const PLACES = 1024;
/** Metres by which national height systems may differ from EGM96: beyond it a grid is suspicious. */
const PLAUSIBLE = 10;

/**
 * Fails with `datum` when there are heights where the grid has no value. Voids need none: a raster may be wider than
 * the country that it shows. Gives sentences about a grid that lies far from EGM96.
 */
export async function checkGeoidCover(
  source: RasterSource,
  crs: Crs,
  { sourceGeoid, seaLevel }: Datum,
  { signal }: ReadOptions = {},
): Promise<readonly string[]> {
  if (sourceGeoid === undefined || sourceGeoid === seaLevel) return [];
  const { affine } = source.info;
  const step = Math.ceil(source.info.sheets.length / (PLACES / 4));
  const sheets = source.info.sheets.filter((_, k) => k % step === 0);
  const side = Math.max(2, Math.floor(Math.sqrt(PLACES / sheets.length)));
  const differences: { straight: number; mirrored: number; where: string }[] = [];
  let missing: [lon: number, lat: number] | undefined;
  for (const sheet of sheets) {
    for (let k = 0; k < side * side; k++) {
      const column = sheet.column + Math.round(((sheet.columns - 1) * (k % side)) / (side - 1));
      const row = sheet.row + Math.round(((sheet.rows - 1) * Math.floor(k / side)) / (side - 1));
      const [lon, lat] = crs.inverse(applyAffine(affine, column, row));
      if (!Number.isFinite(lon) || !Number.isFinite(lat)) continue;
      const undulation = undulationAt(sourceGeoid, lon, lat);
      if (!Number.isNaN(undulation)) {
        const worldwide = undulationAt(seaLevel, lon, lat);
        const where = `longitude ${lon.toFixed(2)}, latitude ${lat.toFixed(2)}`;
        const straight = undulation - worldwide;
        differences.push({ straight, mirrored: undulation + worldwide, where });
        continue;
      }
      missing ??= [lon, lat];
      if (await hasHeight(source, column, row, { signal })) throw noGeoidHere(sourceGeoid, lon, lat);
    }
  }
  if (differences.length === 0 && missing) throw noGeoidHere(sourceGeoid, ...missing);
  return warnOf(sourceGeoid.id, differences);
}

/** False also where nothing can be read before the source is prepared: `layOver` looks again at each post. */
async function hasHeight(source: RasterSource, column: number, row: number, options: ReadOptions): Promise<boolean> {
  try {
    const [height] = await source.read(0, { column, row, columns: 1, rows: 1 }, options);
    return !Number.isNaN(height);
  } catch (error) {
    if (error instanceof RelievoError && error.code === 'busy') return false;
    throw error;
  }
}

function warnOf(id: string, differences: { straight: number; mirrored: number; where: string }[]): readonly string[] {
  const sorted = differences.toSorted((a, b) => Math.abs(a.straight) - Math.abs(b.straight));
  const middle = sorted.at(Math.floor(sorted.length / 2));
  if (middle === undefined || Math.abs(middle.straight) <= PLAUSIBLE) return [];
  const guess = Math.abs(middle.mirrored) < PLAUSIBLE ? ': its sign seems to be turned round' : '';
  return [
    `The geoid grid ${id} lies ${middle.straight.toFixed(1)} m from EGM96 at ${middle.where}, where national height systems differ by a few metres${guess}.`,
  ];
}
