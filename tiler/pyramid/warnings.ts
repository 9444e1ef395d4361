/** What a user should know before trusting a layer, in sentences: from what is known when its source is open. */
import type { DatumStatement } from '../fields/height-field.ts';
import type { RasterField } from '../fields/raster-field.ts';
import { metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import { gridOf, standInError } from '../sources/vertical-datums.ts';

/** Positions that are off by more than this share of a sample change the relief. */
const SHARE_OF_SAMPLE = 1 / 4;

/** Sentences with a full stop; none when all is well. Of several sources each sentence begins with the source's name. */
export function warningsOf(fields: readonly RasterField[]): readonly string[] {
  if (fields.length === 1) return warningsOfOne(fields[0]);
  const named = fields.flatMap((field) => warningsOfOne(field).map((warning) => `${field.info.name}: ${warning}`));
  return named.length <= MAX_WARNINGS
    ? named
    : [...named.slice(0, MAX_WARNINGS), `${named.length - MAX_WARNINGS} more.`];
}

/** More than anybody reads. */
const MAX_WARNINGS = 20;

function warningsOfOne({ source, crs, datum, grid }: RasterField): readonly string[] {
  const { statement } = datum;
  const warnings: string[] = [];
  if (statement.known === 'assumed') warnings.push(assumedWarning(statement));
  warnings.push(...datum.warnings);
  const sample = grid.spacingDegrees * metresPerDegreeNorth((grid.bounds.south + grid.bounds.north) / 2);
  const { accuracyMetres, note } = crs;
  if (accuracyMetres !== undefined && accuracyMetres > sample * SHARE_OF_SAMPLE) {
    warnings.push(
      `Positions may be off by ${metresText(accuracyMetres)}, with samples every ${metresText(sample)}${note ? `. ${note}` : '.'}`,
    );
  } else if (accuracyMetres === undefined && note !== '') warnings.push(note);
  if (/^u?int8$/.test(source.info.sampleType)) {
    warnings.push('Its samples have 8 bits, so at most 256 different heights: slopes come out as steps.');
  }
  return warnings;
}

function assumedWarning({ source, name = source, expectedErrorMetres: error = 0 }: DatumStatement): string {
  if (source === 'egm96') {
    return `Nobody says what the heights are above: mean sea level (EGM96) is assumed. Another sea level would be about ${error} m off, heights above the ellipsoid up to 100 m. Name the datum with --vertical-datum.`;
  }
  const grid = gridOf(source);
  const remedy = `Give its geoid grid${grid ? `, ${grid} of PROJ's collection,` : ''} with --vertical-datum.`;
  return `EGM96 stands in for ${name}: heights may be off by about ${error} m (${standInError(source).words}). ${remedy}`;
}

function metresText(metres: number): string {
  return `${metres >= 100 ? metres.toFixed(0) : metres >= 1 ? metres.toFixed(1) : metres.toPrecision(2)} m`;
}
