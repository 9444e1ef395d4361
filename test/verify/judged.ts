/** The verifier as tests ask it: whole folders, tiles in memory, and sheets of known heights as the source. */
import { demOfSheets } from '../../tiler/verify/dem.ts';
import type { LevelError, VerifyReport } from '../../tiler/verify/report-types.ts';
import type { Sheet } from '../../tiler/verify/sheet.ts';
import { openTileSet, type TileSet } from '../../tiler/verify/tile-set.ts';
import { GEOGRAPHIC, type JudgedTile } from '../../tiler/verify/tiling.ts';
import { type VerifyOptions, verifyTileset } from '../../tiler/verify/verify.ts';
import { readSheets, type VerticalDatum } from './reference.ts';

/** Degrees. */
export function boxOf(id: JudgedTile): { west: number; south: number; side: number } {
  const { west, south, width } = GEOGRAPHIC.box(id);
  return { west, south, side: width };
}

export type Measured = LevelError & { readonly z: number; readonly bound: number };

/** Every level that has samples under its tiles. */
export async function measureLevels(
  set: TileSet,
  sheets: readonly Sheet[],
  options: Omit<VerifyOptions, 'dem'> = {},
): Promise<Measured[]> {
  return measuredOf(await verifyTileset(set, { ...options, dem: demOfSheets(sheets, 30) }));
}

export function measuredOf({ levels }: VerifyReport): Measured[] {
  return levels.flatMap(({ z, bound, error }) => (error ? [{ z, bound, ...error }] : []));
}

/** A folder on the disk, against files that the tests read by themselves, not by the tiler's readers. */
export async function verifyFolder(
  folder: string,
  {
    sources = [],
    datum,
    ...options
  }: Omit<VerifyOptions, 'dem'> & { sources?: readonly string[]; datum?: VerticalDatum } = {},
): Promise<VerifyReport> {
  const dem = sources.length === 0 ? undefined : demOfSheets(readSheets(sources, datum), 30);
  return verifyTileset(await openTileSet(folder), { ...options, dem });
}

/** Findings in words, faults and notes, so that a test shows what came. */
export function wordsOf({ findings }: VerifyReport, except: readonly string[] = []): string[] {
  return findings
    .filter(({ kind }) => !except.includes(kind))
    .flatMap(({ kind, count, places }) =>
      places.slice(0, 2).map(({ tile, message }) => `${kind} (${count}) ${tile ?? ''}: ${message}`),
    );
}

/**
 * What a built tileset is held to here: nothing found, and 99 % of the source within the bound. `loose`: kinds that are left
 * out, where nothing says what overviews leave out.
 */
export function expectationsOf(
  report: VerifyReport,
  loose: readonly string[] = [],
): { findings: string[]; beyond: number[] } {
  const beyond = measuredOf(report).filter(({ ratioP99 }) => !(ratioP99 <= 1));
  return {
    findings: wordsOf(report, ['bound-beyond-native', 'samples-uncovered', ...loose]),
    beyond: beyond.map(({ z }) => z),
  };
}

export const AS_EXPECTED = { findings: [], beyond: [] };
