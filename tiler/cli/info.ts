/** `relievo info`: what a source is, where its heights lie, and what tiling it will give. */
import type { Command } from 'commander';
import { MAX_COMPUTED, overviewSamples } from '../pyramid/estimate.ts';
import { sourceOptionsSchema, type TileOptions, tileOptionsSchema } from '../pyramid/options.ts';
import { openTerrainMaker, type TerrainMaker } from '../pyramid/terrain-maker.ts';
import { absoluteName } from '../sources/source-name.ts';
import { isTileset3d } from '../store/open-tileset-files.ts';
import { describeSource } from './describe-source.ts';
import { addFlags, readFlags } from './flags.ts';
import { infoPage } from './info-page.ts';
import { openPaint } from './paint.ts';
import { describeTileset, tilesetPage } from './tileset-info.ts';

/** What `relievo info` takes: it says what tiling a source will give. */
export const infoOptionsSchema = sourceOptionsSchema.extend({ scheme: tileOptionsSchema.shape.scheme });

export function addInfoCommand(program: Command): void {
  const command = program
    .command('info')
    .summary('say what a source is and what tiling it will give')
    .description(
      'Opens elevation rasters and says their CRS, vertical datum, resolution, extent, heights, voids, levels, and how many tiles and bytes they will give.',
    )
    .argument('<source...>', 'elevation rasters, or one tileset of 3D Tiles (folder or x.3tz)');
  addFlags(command, infoOptionsSchema)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  relievo info N20W157.hgt.zip\n  relievo info dem.tif --vertical-datum us_nga_egm08_25.tif --json',
    )
    .action(run);
}

async function run(sources: string[], typed: Record<string, unknown>): Promise<void> {
  const options = readFlags(infoOptionsSchema, typed);
  if (sources.length === 1 && isTileset3d(sources[0])) {
    const facts = await describeTileset(sources[0]);
    const page = typed.json
      ? `${JSON.stringify(facts, null, 2)}\n`
      : tilesetPage(facts, openPaint(process.stdout, process.env));
    process.stdout.write(page);
    return;
  }
  const maker = await openForAMoment(sources.map(absoluteName), { ...tileOptionsSchema.parse({}), ...options });
  try {
    const facts = await describeSource(maker);
    const text = typed.json
      ? `${JSON.stringify(facts, null, 2)}\n`
      : infoPage(facts, openPaint(process.stdout, process.env));
    process.stdout.write(text);
  } finally {
    await maker.close();
  }
}

/**
 * Without preparing anything. Where overviews would take long to compute, tiles are looked at over plain sea level: the wide
 * join to the relief of the world is worked out from overviews at every level.
 */
async function openForAMoment(sources: readonly string[], options: TileOptions): Promise<TerrainMaker> {
  const maker = await openTerrainMaker({ sources, options }, { maxSamples: Infinity });
  if (overviewSamples(maker) <= MAX_COMPUTED || options.outside !== 'base') return maker;
  await maker.close();
  return openTerrainMaker({ sources, options: { ...options, outside: 'sea-level' } }, { maxSamples: Infinity });
}
