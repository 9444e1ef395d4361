/** `relievo sample`: heights at places, as the tiler sees them, and how each came about. */
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { z } from 'zod';
import { RelievoError } from '../error.ts';
import type { FlatShare } from '../fields/flatten.ts';
import type { Contributor, HeightSample, TerrainField } from '../fields/terrain-field.ts';
import { ORIGIN_NAMES, Origin } from '../geo/post-grid.ts';
import { buildOptionsSchema, sourceOptionsSchema, tileOptionsSchema } from '../pyramid/options.ts';
import { openTerrainMaker, type TerrainMaker } from '../pyramid/terrain-maker.ts';
import { absoluteName } from '../sources/source-name.ts';
import { cacheFolder } from '../store/cache-folder.ts';
import { addFlags, readFlags } from './flags.ts';
import { openProgress } from './progress.ts';

const sampleOptionsSchema = z.strictObject({
  ...sourceOptionsSchema.shape,
  ...buildOptionsSchema.pick({ cache: true }).shape,
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
    .option(
      '--explain',
      'also every source that contributes: file, row and column, stored values, CRS operation, geoid, share',
    )
    .addHelpText('after', '\nExample:\n  echo -156.2533,20.7097 | relievo sample N20W157.hgt.zip --explain')
    .action(run);
}

async function run(sources: string[], typed: Record<string, unknown>): Promise<void> {
  const { cache, ...options } = readFlags(sampleOptionsSchema, typed);
  const maker = await openTerrainMaker({
    sources: sources.map((source) => absoluteName(source)),
    options: { ...tileOptionsSchema.parse({}), ...options },
    cacheFolder: cacheFolder(cache),
  });
  try {
    let number = 0;
    for await (const line of createInterface({ input: process.stdin })) {
      number++;
      if (line.trim() === '') continue;
      const [lon, lat] = readPlace(line, number);
      const sample = await sampleAt(maker, lon, lat);
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

/** Far out in a void the join to what lies below is worked out from overviews, which are made when the first place needs them. */
async function sampleAt(maker: TerrainMaker, lon: number, lat: number): Promise<HeightSample> {
  try {
    return await maker.field.sampleAt(lon, lat);
  } catch (error) {
    if (!(error instanceof RelievoError && error.code === 'busy')) throw error;
    // Off a terminal, standard error is for what went wrong.
    const progress = process.stderr.isTTY ? openProgress(process.stderr, 'blocks prepared') : undefined;
    await maker.prepare({ onProgress: progress?.update }).finally(() => progress?.end());
    return maker.field.sampleAt(lon, lat);
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

/** How an area's own height is counted, in words. */
const FLAT_DATUMS = { 'sea-level': 'above sea level (EGM96)', ellipsoid: 'above the ellipsoid' } as const;

function toText({ height, undulation, origin }: HeightSample): string {
  return `${height.toFixed(3)}  ${(height - undulation).toFixed(3)} above sea level  ${ORIGIN_NAMES[origin]}`;
}

function toJson(lon: number, lat: number, sample: HeightSample, field: TerrainField, explained: boolean) {
  const { height, undulation, origin, contributors, flats } = sample;
  const [first] = contributors;
  const { statement } = (first?.field ?? field.members[0]).datum;
  return {
    lon,
    lat,
    height: round(height),
    datum: 'ellipsoid',
    undulation: round(undulation),
    geoid: statement.geoid,
    geoidHeight: round(first?.geoidHeight ?? undulation),
    sourceDatum: statement.source,
    datumKnown: statement.known,
    heightAboveSeaLevel: round(height - undulation),
    source: first ? fileOf(first) : (flats[0]?.area.name ?? null),
    origin: ORIGIN_NAMES[origin],
    ...(explained && {
      explain: {
        flattened: flats.map(flatExplanation),
        contributors: contributors.map(explanation),
        outside: field.base ? 'base' : field.floor,
        outsideShare: round(sample.floorShare),
      },
    }),
  };
}

function fileOf({ sheet, field }: Contributor): string | null {
  return field.dataOrigin === Origin.base ? 'base' : (sheet?.file ?? null);
}

function flatExplanation({ area, height, share }: FlatShare) {
  const { name, datum, featherMetres } = area;
  const from = area.height === undefined ? 'outline' : 'given';
  return { area: name, share: round(share), height: round(height), datum, from, featherMetres: round(featherMetres) };
}

function explanation(contributor: Contributor) {
  const { field, share, difference, geoidHeight, column, row, sheet, raw } = contributor;
  const placed = Number.isFinite(column);
  const first = sheet?.origin ?? sheet ?? { column: 0, row: 0 };
  return {
    source: field.dataOrigin === Origin.base ? `base: ${field.info.name}` : field.info.name,
    file: fileOf(contributor),
    share: round(share),
    difference: round(difference),
    column: placed ? round(column - first.column) : null,
    row: placed ? round(row - first.row) : null,
    storedValues: raw.map((value) => (Number.isNaN(value) ? null : value)),
    unit: field.source.info.vertical.unit,
    crs: field.crs.name,
    crsOperation: field.grid.asStored
      ? 'none: longitude and latitude as stored'
      : `WGS 84 longitude and latitude to ${field.crs.definition}`,
    verticalDatum: field.datum.statement,
    geoidHeight: Number.isNaN(geoidHeight) ? null : round(geoidHeight),
  };
}

function explain({ contributors, flats, floorShare, origin }: HeightSample, field: TerrainField): string[] {
  const lines = [`  made of   ${ORIGIN_NAMES[origin]}`];
  for (const flat of flats) {
    const { area, share, height, datum, from, featherMetres } = flatExplanation(flat);
    const found = from === 'outline' ? ', the median along its outline' : '';
    lines.push(
      `  ${percent(share).padEnd(8)}  ${area}, made level at ${height.toFixed(3)} m ${FLAT_DATUMS[datum]}${found}; feather ${featherMetres} m`,
    );
  }
  for (const contributor of contributors) {
    const e = explanation(contributor);
    const values = e.storedValues.map((value) => value ?? 'void').join(', ');
    const geoid = e.verticalDatum.geoid;
    lines.push(
      `  ${percent(e.share).padEnd(8)}  ${e.source}${e.difference === 0 ? '' : `; its difference to what lies below it adds ${e.difference.toFixed(3)} m`}`,
      `  file      ${e.file ?? 'none: beside its files'}`,
      `  position  column ${e.column}, row ${e.row}; values round it ${values} (${e.unit})`,
      `  CRS       ${e.crs}; ${e.crsOperation}`,
      `  datum     ${e.verticalDatum.because}; ${geoid === 'none' ? 'no geoid added' : `geoid ${geoid}, ${e.geoidHeight?.toFixed(3) ?? 'none'} m here`}`,
    );
  }
  if (floorShare > 0)
    lines.push(`  ${percent(floorShare).padEnd(8)}  ${field.floor === 'sea-level' ? 'sea level' : 'the ellipsoid'}`);
  return lines;
}

function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 1 ? value.toPrecision(1) : Math.round(value)} %`;
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
