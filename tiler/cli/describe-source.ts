/** Everything that `relievo info` says of a source, as plain JSON with stable keys: metres, degrees, bytes. */
import { RelievoError } from '../error.ts';
import type { RasterField } from '../fields/raster-field.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { authalicArea, metresPerDegreeEast, metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import { postSpacing, TILE_CELLS } from '../geo/post-grid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { clipBounds } from '../pyramid/areas.ts';
import { estimateLevels } from '../pyramid/estimate.ts';
import type { TerrainMember } from '../pyramid/open-members.ts';
import { type Survey, surveyHeights } from '../pyramid/survey.ts';
import type { TerrainMaker } from '../pyramid/terrain-maker.ts';
import type { ReadOptions } from '../sources/raster-source.ts';

export type SourceFacts = Awaited<ReturnType<typeof describeSource>>;

/** What lies below, in words. */
const SURFACES = {
  base: 'the bundled relief of the world',
  'sea-level': 'sea level',
  ellipsoid: 'the ellipsoid',
} as const;
/** Nothing on Earth is higher, or deeper, in metres. */
const HIGHEST = 9000;
const DEEPEST = -11_500;
/** A share of voids that nobody sees is not worth a warning. */
const VISIBLE_VOIDS = 1e-4;

/** More sheets than anybody reads the names of. */
const MAX_FILES = 1000;
/** Areas made level that are described; the others are only counted. */
const MAX_FLATS = 20;
/** Sources that are described; the others are only counted. */
const MAX_SOURCES = 50;

/** The facts of the source on top, of all sources where there are several, and of the tiles that they give together. */
export async function describeSource(maker: TerrainMaker, { signal }: ReadOptions = {}) {
  const described = [];
  for (const member of maker.members.slice(0, MAX_SOURCES)) described.push(await describeMember(maker, member, signal));
  const [{ facts }] = described;
  const estimates = await estimateLevels(maker, { signal });
  const { bounds } = maker.field.info;
  const middle = (bounds.south + bounds.north) / 2;
  return {
    ...facts,
    sources: described.map((each) => each.facts),
    sourceCount: maker.members.length,
    nativeLevel: maker.nativeLevel,
    maxFillSamples: maker.spec.options.maxFill,
    outside: maker.spec.options.outside,
    clipped: maker.spec.areas?.clip !== undefined,
    flattened: await describeFlats(maker.field),
    flattenedCount: maker.field.flats.areas.length,
    levels: estimates.map(({ z, tiles, tilesMade, bytes }) => ({
      z,
      tiles,
      boundMetres: maker.scheme.maxGeometricError(z) * maker.spec.options.maxErrorFactor,
      postSpacingMetres:
        postSpacing({ scheme: maker.scheme, z, perTile: TILE_CELLS }) *
        maker.scheme.aspect(middle) *
        metresPerDegreeNorth(middle),
      readsSourceLevel: maker.members[0].field.levelFor(z),
      estimatedBytes: bytes,
      tilesMadeForEstimate: tilesMade,
    })),
    tiles: estimates.reduce((sum, { tiles }) => sum + tiles, 0),
    estimatedBytes: estimates.reduce((sum, { bytes }) => sum + bytes, 0),
    tilesMadeForEstimate: estimates.reduce((sum, { tilesMade }) => sum + tilesMade, 0),
    warnings: [...maker.warnings, ...described.flatMap(({ warnings }) => warnings)],
  };
}

/** Areas made level; the height of one is null where the source cannot be read before it is prepared. */
async function describeFlats({ flats }: TerrainField) {
  const described = [];
  for (const [i, { name, height, datum, featherMetres }] of flats.areas.slice(0, MAX_FLATS).entries()) {
    const found = await flats.heightOf(i).catch((error: unknown) => {
      if (error instanceof RelievoError && error.code === 'busy') return null;
      throw error;
    });
    described.push({ name, height: found, datum, from: height === undefined ? 'outline' : 'given', featherMetres });
  }
  return described;
}

async function describeMember(maker: TerrainMaker, member: TerrainMember, signal: AbortSignal | undefined) {
  const { field, source } = member;
  const { info } = source;
  const { storedLevels } = source;
  const { bounds, spacingDegrees } = field.info;
  const { columns, rows } = info.levels[0];
  const { statement } = field.datum;
  const survey = await surveyHeights(source, { storedLevels, signal });
  const middle = (bounds.south + bounds.north) / 2;
  const spacingMetres = spacingOf(field, middle);
  const used = clipBounds(bounds, maker.spec.areas?.clip);
  const facts = {
    name: info.name,
    files: info.sheets.slice(0, MAX_FILES).map((sheet) => sheet.file),
    fileCount: info.sheets.length,
    format: info.format,
    columns,
    rows,
    sampleType: info.sampleType,
    nodata: info.nodata === undefined ? null : String(info.nodata),
    crs: {
      name: field.crs.name,
      definition: info.crs,
      accuracyMetres: field.crs.accuracyMetres ?? null,
      note: field.crs.note,
      grids: field.crs.grids,
    },
    bounds: [used.west, used.south, used.east, used.north],
    extentMetres:
      field.crs.geographic || used !== bounds
        ? extentOf(used)
        : { east: columns * spacingMetres.east, north: rows * spacingMetres.north },
    areaSquareMetres: areaOf(field),
    spacingMetres,
    spacingArcSeconds: {
      east: (spacingMetres.east / metresPerDegreeEast(middle)) * 3600,
      north: (spacingMetres.north / metresPerDegreeNorth(middle)) * 3600,
    },
    spacingDegrees,
    vertical: {
      datum: statement.source,
      datumName: statement.name ?? statement.source,
      known: statement.known,
      statement: statement.because,
      geoid: statement.geoid,
      expectedErrorMetres: statement.expectedErrorMetres ?? null,
      unit: info.vertical.unit,
      unitMetres: info.vertical.unitMetres,
    },
    heights: {
      minMetres: finiteOrNull(survey.minMetres),
      maxMetres: finiteOrNull(survey.maxMetres),
      voidShare: survey.voidShare,
      basis: survey.basis,
      samplesRead: survey.samplesRead,
      readsSourceLevel: survey.level,
    },
    featherMetres: maker.field.featherMetres(maker.members.indexOf(member)),
    overviews: info.levels.length - 1,
    storedOverviews: Math.max(0, storedLevels - 1),
    sourceLevels: info.levels.map((level, k) => ({
      columns: level.columns,
      rows: level.rows,
      scale: Math.max(level.scaleX, level.scaleY),
      stored: k < storedLevels,
    })),
    nativeLevel: member.nativeLevel,
    version: info.version,
  };
  return { facts, warnings: surveyWarnings(maker, member, survey) };
}

/** Metres along the parallel in the middle, and along a meridian. */
function extentOf({ west, south, east, north }: LonLatBox): { east: number; north: number } {
  const middle = (south + north) / 2;
  return { east: (east - west) * metresPerDegreeEast(middle), north: (north - south) * metresPerDegreeNorth(middle) };
}

/** Metres between samples at the middle: along a row, and from row to row. */
function spacingOf(field: RasterField, middle: number): { east: number; north: number } {
  const { a, b, d, e } = field.source.info.affine;
  const { geographic, unitMetres } = field.crs;
  if (!geographic) return { east: Math.hypot(a, d) * unitMetres, north: Math.hypot(b, e) * unitMetres };
  const east = metresPerDegreeEast(middle) * unitMetres;
  const north = metresPerDegreeNorth(middle) * unitMetres;
  return { east: Math.hypot(a * east, d * north), north: Math.hypot(b * east, e * north) };
}

/** Of the sheets, voids included; on the map's own plane where the CRS is projected. */
function areaOf(field: RasterField): number {
  const { affine, sheets } = field.source.info;
  const { geographic, unitMetres } = field.crs;
  return sheets.reduce((sum, { row, columns, rows }) => {
    const cell = Math.abs(affine.a * affine.e - affine.b * affine.d) * unitMetres ** 2;
    if (!geographic || affine.b !== 0 || affine.d !== 0) return sum + cell * columns * rows;
    const north = (affine.f + affine.e * (row - 0.5)) * unitMetres;
    const south = north + affine.e * rows * unitMetres;
    const width = Math.min(360, Math.abs(affine.a) * unitMetres * columns);
    return sum + authalicArea(width, Math.max(-90, Math.min(south, north)), Math.min(90, Math.max(south, north)));
  }, 0);
}

/** What only a look at the heights tells. */
function surveyWarnings({ members, spec }: TerrainMaker, { field }: TerrainMember, survey: Survey): string[] {
  const { info } = field.source;
  const { minMetres, maxMetres, voidShare } = survey;
  const warnings: string[] = [];
  if (maxMetres > HIGHEST || minMetres < DEEPEST) {
    const what =
      maxMetres > HIGHEST ? `reach ${maxMetres.toFixed(0)} m, higher` : `go down to ${minMetres.toFixed(0)} m, deeper`;
    const feet = info.vertical.unitMetres === 1 && maxMetres > HIGHEST && maxMetres < HIGHEST / 0.3048;
    const guess = feet ? 'are they feet? Then say --vertical-unit foot.' : 'are unit and no-data value right?';
    warnings.push(`Heights ${what} than any place on Earth: ${guess}`);
  }
  if (voidShare === 1) warnings.push('All samples that were read are void: there is nothing to see.');
  else if (voidShare > VISIBLE_VOIDS) {
    warnings.push(
      `${shareText(voidShare)} of the samples are void: gaps up to ${spec.options.maxFill} samples wide are filled from their rim, wider ones slope into what lies below${members.length > 1 ? '' : `: ${SURFACES[spec.options.outside]}`}.`,
    );
  }
  const named = members.length > 1 ? warnings.map((warning) => `${info.name}: ${warning}`) : warnings;
  return named;
}

/** 0.0123 -> `1.2 %`; never 0 for what is not nothing. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0 %';
  return percent < 0.01 ? 'under 0.01 %' : `${percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2)} %`;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
