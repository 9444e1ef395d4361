/** `relievo verify`: whether a tileset of quantized-mesh or 3D Tiles, ours or another tool's, is what clients take it for. */
import { access, constants, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { EXIT, RelievoError } from '../error.ts';
import { sourceOptionsSchema } from '../pyramid/options.ts';
import { absoluteName } from '../sources/source-name.ts';
import { isTileset3d, openJudgedFiles } from '../verify/3d-files.ts';
import { datumOf3d, type Verify3dOptions, verifyTiles3d } from '../verify/3d-verify.ts';
import { checkLayer } from '../verify/check-layer.ts';
import { type DemOptions, openDem } from '../verify/dem.ts';
import { readDemAreas } from '../verify/dem-areas.ts';
import { writeReport } from '../verify/html-report.ts';
import type { VerifyReport } from '../verify/report-types.ts';
import { workOnThreads } from '../verify/threads.ts';
import { isAddress, openTileSet } from '../verify/tile-set.ts';
import { openTiling } from '../verify/tiling.ts';
import { verifyTileset } from '../verify/verify.ts';
import { addFlags, flagOf, readFlags } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { openPaint } from './paint.ts';
import { openProgress } from './progress.ts';
import { verifyPage } from './verify-page.ts';

/** How the source is to be understood. */
const areaKeys = { clip: true, flatten: true, flattenFeather: true } as const;
const sourceSchema = sourceOptionsSchema.omit({ outside: true, maxFill: true, ...areaKeys });

/** Where it counts. */
const areaSchema = sourceOptionsSchema.pick(areaKeys);

const verifySchema = z.strictObject({
  sample: z.int().min(1).max(1_000_000_000).optional().describe('Tiles to open at each level; all when absent'),
  threads: z.int().min(1).max(256).optional().describe('Worker threads; by default one for each processor'),
  seed: z.int().min(0).max(4294967295).default(1).describe('Which tiles a sample takes'),
});

export function addVerifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .summary('say whether a tileset is sound, and how far it is from its source')
    .description(
      'Checks a tileset of quantized-mesh or 3D Tiles 1.1, of any tool: its documents, every tile, every border, and over http the headers. With --source also the error of the drawn surface. Ends with 1 when there is a fault, with 3 when nothing could be judged.',
    )
    .argument('<tileset>', 'folder or http(s) address, of the set, its layer.json or tileset.json; or a .3tz')
    .option('--source <dem...>', 'elevation rasters that the surface is measured against, as for build');
  addFlags(command, verifySchema)
    .option('--json', 'one JSON object')
    .option('--report <file>', 'write an HTML report there');
  addFlags(command, sourceSchema);
  addFlags(command, areaSchema)
    .option('--datum <name>', 'the same as --vertical-datum')
    .addHelpText(
      'after',
      `
Examples:
  relievo verify maui
  relievo verify maui --source N20W157.hgt.zip N20W156.hgt.zip --report maui.html
  relievo verify https://example.com/terrain --sample 20
  relievo verify https://example.com/3dtiles/tileset.json`,
    )
    .action(run);
}

async function run(place: string, typed: Record<string, unknown>): Promise<void> {
  // Until there is a verdict, whatever ends the process.
  process.exitCode = EXIT.unjudged;
  const { sample, seed, threads = availableParallelism() } = readFlags(verifySchema, typed);
  const names = (typed.source as string[] | undefined)?.map(absoluteName);
  const asked = readFlags(sourceSchema, withDatum(typed));
  if (names === undefined) refuseWithoutSource(typed);
  const json = typed.json === true;
  const reportFile = typed.report === undefined ? undefined : resolve(String(typed.report));
  if (reportFile !== undefined) await checkReportFile(reportFile);
  const progress = openProgress(process.stderr, 'tiles');
  const { report, found } = await interruptible(async (signal) => {
    const where = isAddress(place) ? place : resolve(place);
    const areas = await readDemAreas(readFlags(areaSchema, typed));
    if (await isTileset3d(where)) {
      const how = (datum?: string) => ({ ...howToRead(asked, openTiling().projection, datum), areas });
      return await judge3d(where, names, how, { sample, seed, signal, onTiles: progress.update });
    }
    const set = await openTileSet(where, signal);
    const { datum, tiling } = checkLayer(set.layerJson).document;
    const how = { ...howToRead(asked, tiling.projection, datum), areas };
    const dem = names && (await openDem(names, { ...how, signal }));
    const spec = { place: where, sources: names ?? [], dem: how };
    try {
      const report = await verifyTileset(set, {
        dem,
        sample,
        seed,
        // A server is asked by one thread, eight requests at a time.
        ...(threads > 1 && set.kind === 'folder' && { openForce: () => workOnThreads(spec, threads) }),
        signal,
        onTiles: progress.update,
      });
      return { report, found: set.layerJson !== undefined || report.tileset.tiles > 0 };
    } finally {
      await dem?.close();
    }
  }).finally(() => progress.end());
  if (reportFile !== undefined) await writeReportFile(reportFile, writeReport(report));
  process.stdout.write(
    json ? `${JSON.stringify(report)}\n` : `${verifyPage(report, openPaint(process.stdout, process.env))}\n`,
  );
  if (found) process.exitCode = report.sound ? 0 : EXIT.failed;
}

/** Without threads: most of the time goes into reading. */
async function judge3d(
  where: string,
  names: readonly string[] | undefined,
  how: (datum: string | undefined) => DemOptions,
  options: Verify3dOptions,
): Promise<{ report: VerifyReport; found: boolean }> {
  const { signal } = options;
  const files = await openJudgedFiles(where, signal);
  const dem = names && (await openDem(names, { ...how(await datumOf3d(files, signal)), signal }));
  try {
    const report = await verifyTiles3d(files, { ...options, dem });
    return { report, found: report.findings.length > 0 || report.tileset.tiles > 0 };
  } finally {
    await dem?.close();
    await files.close();
  }
}

/** What says how a source is to be understood would be lost without one. */
function refuseWithoutSource(typed: Readonly<Record<string, unknown>>): void {
  const key = [...Object.keys(sourceSchema.shape), ...Object.keys(areaSchema.shape), 'datum'].find(
    (name) => typed[name] !== undefined,
  );
  if (key === undefined) return;
  throw new RelievoError('usage', `${flagOf(key)} says how to understand the source: give --source too`);
}

/** Before hours of work: whether a file can be put there. */
async function checkReportFile(path: string): Promise<void> {
  const folder = dirname(path);
  const refuse = (why: string) =>
    new RelievoError('output-unwritable', `The report cannot be written: ${why}`, { where: path });
  if ((await stat(path).catch(() => undefined))?.isDirectory()) throw refuse('this is a folder; name a file in it.');
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) throw refuse(`the folder ${folder} is not there; make it first.`);
  if (!found.isDirectory()) throw refuse(`${folder} is no folder.`);
  await access(folder, constants.W_OK).catch(() => {
    throw refuse(`nothing may be written into the folder ${folder}.`);
  });
}

/** Nothing shows there before it is whole. */
async function writeReportFile(path: string, page: string): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await writeFile(temporary, page);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new RelievoError('output-unwritable', `The report cannot be written: ${why}`, { where: path, cause: error });
  }
}

/** Heights are understood as the tileset's own build understood them, where the user says nothing else. */
function howToRead(
  asked: z.output<typeof sourceSchema>,
  projection: DemOptions['projection'],
  datum: string | undefined,
): Omit<DemOptions, 'signal'> {
  const { crsGrids, allow, strict, ...how } = asked;
  const verticalDatum = how.verticalDatum ?? datum;
  return { how: { ...how, verticalDatum }, projection, crsGrids, allow, strict };
}

function withDatum({ datum, ...typed }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (datum === undefined) return typed;
  if (typed.verticalDatum !== undefined) {
    throw new RelievoError('usage', '--datum and --vertical-datum say the same: give one of them');
  }
  return { ...typed, verticalDatum: datum };
}
