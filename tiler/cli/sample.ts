/** `relievo sample`: heights at places, as the tiler sees them, and how each came about. */
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { RelievoError } from '../error.ts';
import type { HeightSample, RasterField } from '../fields/raster-field.ts';
import { ORIGIN_NAMES } from '../geo/post-grid.ts';
import { tileOptionsSchema } from '../pyramid/options.ts';
import { openTerrainMaker } from '../pyramid/terrain-maker.ts';
import { addFlags, readFlags } from './flags.ts';

const sampleOptionsSchema = tileOptionsSchema.pick({
  verticalDatum: true,
  verticalUnit: true,
  sourceCrs: true,
  crsGrids: true,
  bounds: true,
  range: true,
  rawLayout: true,
  heightEncoding: true,
  outside: true,
  maxFill: true,
  strict: true,
});

export function addSampleCommand(program: Command): void {
  const command = program
    .command('sample')
    .summary('print heights at places')
    .description(
      'Reads lines of longitude,latitude (degrees, WGS84) and prints the height at each: metres above the ellipsoid, then above sea level.',
    )
    .argument('<source...>', 'elevation rasters');
  addFlags(command, sampleOptionsSchema)
    .option('--json', 'one JSON object a line: height, datum, undulation, source, origin')
    .option('--explain', 'also file, row and column, stored values, CRS operation, geoid, fill')
    .addHelpText('after', '\nExample:\n  echo -156.2533,20.7097 | relievo sample N20W157.hgt.zip --explain')
    .action(run);
}

async function run(sources: string[], typed: Record<string, unknown>): Promise<void> {
  const options = readFlags(sampleOptionsSchema, typed);
  const maker = await openTerrainMaker(
    { sources: sources.map((source) => resolve(source)), options: { ...tileOptionsSchema.parse({}), ...options } },
    { hash: false },
  );
  try {
    let number = 0;
    for await (const line of createInterface({ input: process.stdin })) {
      number++;
      if (line.trim() === '') continue;
      const [lon, lat] = readPlace(line, number);
      const sample = await maker.field.sampleAt(lon, lat);
      const text = typed.json
        ? JSON.stringify(toJson(lon, lat, sample, maker.field, typed.explain === true))
        : toText(sample);
      process.stdout.write(`${text}\n`);
      if (typed.explain && !typed.json) process.stdout.write(`${explain(sample, maker.field).join('\n')}\n`);
    }
  } finally {
    await maker.close();
  }
}

function readPlace(line: string, number: number): [lon: number, lat: number] {
  const parts = line.trim().split(/[,;\s]+/);
  const [lon, lat] = parts.map(Number);
  if (parts.length === 2 && parts.every((part) => part !== '') && lon >= -180 && lon <= 360 && lat >= -90 && lat <= 90)
    return [lon, lat];
  throw new RelievoError(
    'usage',
    `Line ${number} must be longitude,latitude in degrees (-180 to 360, -90 to 90), not "${line.trim()}"`,
  );
}

function toText({ height, undulation, origin }: HeightSample): string {
  return `${height.toFixed(3)}  ${(height - undulation).toFixed(3)} above sea level  ${ORIGIN_NAMES[origin]}`;
}

function toJson(lon: number, lat: number, sample: HeightSample, field: RasterField, explained: boolean) {
  const { height, undulation, geoidHeight, origin, sheet } = sample;
  return {
    lon,
    lat,
    height: round(height),
    datum: 'ellipsoid',
    undulation: round(undulation),
    geoid: field.datum.statement.geoid,
    geoidHeight: round(geoidHeight),
    sourceDatum: field.datum.statement.source,
    datumKnown: field.datum.statement.known,
    heightAboveSeaLevel: round(height - undulation),
    source: sheet?.file ?? null,
    origin: ORIGIN_NAMES[origin],
    ...(explained && { explain: explanation(sample, field) }),
  };
}

function explanation({ column, row, raw, sheet, outsideWeight }: HeightSample, field: RasterField) {
  const { vertical } = field.source.info;
  const placed = Number.isFinite(column);
  return {
    file: sheet?.file ?? null,
    column: placed ? round(column - (sheet?.column ?? 0)) : null,
    row: placed ? round(row - (sheet?.row ?? 0)) : null,
    storedValues: raw.map((value) => (Number.isNaN(value) ? null : value)),
    unit: vertical.unit,
    crs: field.crs.name,
    crsOperation: field.grid.asStored
      ? 'none: longitude and latitude as stored'
      : `WGS 84 longitude and latitude to ${field.crs.definition}`,
    verticalDatum: field.datum.statement,
    outside: field.datum.outside,
    outsideShare: round(outsideWeight),
  };
}

function explain(sample: HeightSample, field: RasterField): string[] {
  const e = explanation(sample, field);
  const values = e.storedValues.map((value) => value ?? 'void').join(', ');
  const share = Math.round(e.outsideShare * 100);
  return [
    `  file      ${e.file ?? 'none: outside the data'}`,
    `  position  column ${e.column}, row ${e.row}; values round it ${values} (${e.unit})`,
    `  CRS       ${e.crs}; ${e.crsOperation}`,
    `  datum     ${e.verticalDatum.because}; ${geoidText(e.verticalDatum.geoid, sample)}`,
    `  fill      ${ORIGIN_NAMES[sample.origin]}${share > 0 ? `, ${share} % ${e.outside}` : ''}`,
  ];
}

function geoidText(geoid: string, { geoidHeight }: HeightSample): string {
  return geoid === 'none' ? 'no geoid added' : `geoid ${geoid}, ${geoidHeight.toFixed(3)} m here`;
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
