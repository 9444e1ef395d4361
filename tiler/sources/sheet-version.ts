/** What names the content of many sheets together, wherever their files are and in whatever order they are given. */
import { createHash } from 'node:crypto';
import type { SampleWindow } from './raster-source.ts';
import { intersect } from './sample-window.ts';
import { overlapsOf, type SheetedRaster } from './sheet-index.ts';
import type { SheetList } from './sheet-list.ts';

/** Sheets beyond this many are not compared where they overlap: their order then always counts. */
const MAX_COMPARED_SHEETS = 32;
/** Samples of an overlap that are compared to learn whether the order of the sheets matters. */
const MAX_COMPARED = 2 ** 20;

/** Level 0 of one sheet. */
export type ReadSheet = (index: number, window: SampleWindow) => Promise<Float32Array>;

/**
 * Hash of positions and contents, sorted by position: the order of the arguments counts only between sheets that overlap,
 * and of a few sheets only where their common samples differ, so that it changes what is read. Empty where the content of
 * one is not known.
 */
export async function versionOfSheets(raster: SheetedRaster, list: SheetList, read: ReadSheet): Promise<string> {
  const { sheets } = raster;
  const identities: string[] = [];
  for (const [i, { column, row }] of sheets.entries()) {
    const version = list.versionOf(i);
    if (version === '') return '';
    identities.push(`${column} ${row} ${version}`);
  }
  const sorted = [...new Set(identities)].sort();
  const hash = createHash('sha256');
  hash.update(`${sorted.join('\n')}\n`);
  const overlaps = overlapsOf(raster);
  if (overlaps.length > 0) {
    const ranks = new Map(sorted.map((identity, rank) => [identity, rank]));
    const rankOf = (i: number) => ranks.get(identities[i] ?? '') ?? 0;
    const pairs = new Set<number>();
    for (let k = 0; k < overlaps.length; k += 2) {
      const [upper = 0, lower = 0] = [overlaps[k], overlaps[k + 1]];
      if (rankOf(lower) === rankOf(upper)) continue;
      if (sheets.length > MAX_COMPARED_SHEETS || (await orderMatters(raster, read, upper, lower))) {
        pairs.add(rankOf(upper) * sorted.length + rankOf(lower));
      }
    }
    hash.update(Float64Array.from(pairs).sort());
  }
  return hash.digest('hex').slice(0, 32);
}

async function orderMatters(
  { sheets, periodColumns: period }: SheetedRaster,
  read: ReadSheet,
  i: number,
  j: number,
): Promise<boolean> {
  const [upper, lower] = [sheets[i], sheets[j]];
  if (upper === undefined || lower === undefined) return false;
  for (const turn of period === undefined ? [0] : [0, -period, period]) {
    const moved = { ...lower, column: lower.column + turn };
    const common = intersect(upper, moved);
    if (common === undefined) continue;
    if (common.columns * common.rows > MAX_COMPARED) return true;
    const within = (w: SampleWindow) => ({ ...common, column: common.column - w.column, row: common.row - w.row });
    const [a, b] = await Promise.all([read(i, within(upper)), read(j, within(moved))]);
    // Where one is void the other shows, whichever comes first.
    if (a.some((value, k) => !Number.isNaN(value) && !Number.isNaN(b[k]) && value !== b[k])) return true;
  }
  return false;
}
