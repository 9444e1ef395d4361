/** `relievo info`: what a source is, where its heights lie, and what tiling it will give. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { metresPerDegreeEast, metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import { tileOptionsSchema } from '../pyramid/options.ts';
import { countTiles } from '../pyramid/plan.ts';
import { openTerrainMaker, type TerrainMaker } from '../pyramid/terrain-maker.ts';
import { addFlags, readFlags } from './flags.ts';
import { count } from './progress.ts';
import { formatTable, metres } from './table.ts';

const infoOptionsSchema = tileOptionsSchema.pick({ verticalDatum: true, verticalUnit: true, strict: true });

export function addInfoCommand(program: Command): void {
  const command = program
    .command('info')
    .summary('say what a source is and what tiling it will give')
    .description('Opens elevation rasters and says their CRS, vertical datum, resolution, extent and levels.')
    .argument('<source...>', 'elevation rasters');
  addFlags(command, infoOptionsSchema)
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  relievo info N20W157.hgt.zip')
    .action(run);
}

async function run(sources: string[], typed: Record<string, unknown>): Promise<void> {
  const options = readFlags(infoOptionsSchema, typed);
  const maker = await openTerrainMaker({
    sources: sources.map((source) => resolve(source)),
    options: { ...tileOptionsSchema.parse({}), ...options },
  });
  try {
    const facts = describe(maker);
    process.stdout.write(typed.json ? `${JSON.stringify(facts, null, 2)}\n` : `${toText(facts)}\n`);
  } finally {
    await maker.close();
  }
}

function describe(maker: TerrainMaker) {
  const { info } = maker.field.source;
  const { bounds, spacingDegrees } = maker.field.info;
  const { columns, rows } = info.levels[0];
  const middle = (bounds.south + bounds.north) / 2;
  const { a, d, b, e } = info.affine;
  const degreesPerUnit = maker.field.crs.geographic;
  return {
    name: info.name,
    files: info.sheets.map((sheet) => sheet.file),
    format: info.format,
    columns,
    rows,
    sampleType: info.sampleType,
    nodata: info.nodata === undefined ? null : String(info.nodata),
    crs: { name: info.crsName, definition: info.crs },
    bounds: [bounds.west, bounds.south, bounds.east, bounds.north],
    spacingMetres: {
      east: Math.hypot(a, d) * (degreesPerUnit ? metresPerDegreeEast(middle) : maker.field.crs.unitMetres),
      north: Math.hypot(b, e) * (degreesPerUnit ? metresPerDegreeNorth(middle) : maker.field.crs.unitMetres),
    },
    spacingDegrees,
    vertical: {
      ...info.vertical,
      geoid: maker.field.datum.statement.geoid,
      statement: maker.field.datum.statement.because,
    },
    overviews: info.levels.length - 1,
    nativeLevel: maker.nativeLevel,
    levels: maker.plan().map((ranges, z) => ({
      z,
      tiles: countTiles(ranges),
      boundMetres: maker.scheme.maxGeometricError(z),
      readsSourceLevel: maker.field.levelFor(z),
    })),
    version: info.version,
  };
}

function toText(facts: ReturnType<typeof describe>): string {
  const [west, south, east, north] = facts.bounds.map((degrees) => degrees.toFixed(5));
  const { vertical } = facts;
  const assumed = vertical.known === 'assumed' ? ' - ASSUMED' : '';
  const lines = [
    ['source', facts.name],
    ['format', `${facts.format}, ${facts.sampleType}${facts.nodata === null ? '' : `, no data = ${facts.nodata}`}`],
    ['size', `${count(facts.columns)} x ${count(facts.rows)} samples`],
    ['CRS', facts.crs.name],
    ['extent', `${west} to ${east} east, ${south} to ${north} north (degrees)`],
    ['sample', `${metres(facts.spacingMetres.east)} m east, ${metres(facts.spacingMetres.north)} m north`],
    ['heights', `${vertical.statement}, in ${vertical.unit}; geoid ${vertical.geoid}${assumed}`],
    ['native', `level ${facts.nativeLevel}`],
  ];
  const table = formatTable(
    [{ title: 'level' }, { title: 'tiles' }, { title: 'bound (m)' }],
    facts.levels.map(({ z, tiles, boundMetres }) => [String(z), count(tiles), metres(boundMetres)]),
  );
  return `${lines.map(([name, text]) => `${name.padEnd(9)}${text}`).join('\n')}\n\n${table}`;
}
