/** `relievo prepare`: what coarse tiles are read from, made alone, before `build` or `serve` would do it. */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { buildOptionsSchema, sourceOptionsSchema, tileOptionsSchema } from '../pyramid/options.ts';
import { openTerrainMaker, type TerrainMaker } from '../pyramid/terrain-maker.ts';
import { absoluteName } from '../sources/source-name.ts';
import { cacheFolder } from '../store/cache-folder.ts';
import { addFlags, readFlags } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { bytesText, openProgress, openScanProgress, sayJson, sayProgressAsJson, sayWaiting } from './progress.ts';

/** What `relievo prepare` takes: what tells how the sources are to be understood. */
export const prepareOptionsSchema = z.strictObject({
  ...sourceOptionsSchema.shape,
  ...buildOptionsSchema.pick({ cache: true }).shape,
});

export function addPrepareCommand(program: Command): void {
  const command = program
    .command('prepare')
    .summary('make what coarse tiles are read from, once')
    .description(
      'Makes the overviews that coarse tiles are read from, and keeps them in the cache folder, where build and serve find them. These do it by themselves; this command does it alone.',
    )
    .argument('<source...>', 'elevation rasters');
  addFlags(command, prepareOptionsSchema)
    .option('--json', 'one JSON object a line on standard output, for machines')
    .addHelpText('after', '\nExample:\n  relievo prepare dem.tif\n  relievo prepare dem.tif --cache /data/relievo')
    .action(run);
}

async function run(sources: string[], typed: Record<string, unknown>): Promise<void> {
  const { cache, ...options } = readFlags(prepareOptionsSchema, typed);
  const json = typed.json === true;
  const spec = {
    sources: sources.map(absoluteName),
    options: { ...tileOptionsSchema.parse({}), ...options },
    cacheFolder: cacheFolder(cache),
  };
  await interruptible(async (signal) => {
    const maker = await openTerrainMaker(spec, { signal, onScan: openScanProgress(process.stderr) });
    const progress = openProgress(process.stderr, 'blocks');
    try {
      const before = preparedFiles(maker);
      const started = performance.now();
      const onProgress = json ? sayProgressAsJson('prepare') : progress.update;
      const onWait = (who: string) => {
        progress.end();
        sayWaiting(who);
      };
      await maker.prepare({ signal, onProgress, onWait });
      progress.end();
      const seconds = (performance.now() - started) / 1000;
      const files = preparedFiles(maker);
      const made = files.filter((file) => file.bytes !== undefined && before.find(isSame(file))?.bytes === undefined);
      if (json) sayJson({ event: 'done', seconds, made: made.length, files });
      else process.stdout.write(`${files.map((file) => sentence(file, made.some(isSame(file)))).join('\n')}\n`);
    } finally {
      progress.end();
      await maker.close();
    }
  });
}

interface PreparedFile {
  readonly name: string;
  /** Undefined for a source so small that it needs no overviews. */
  readonly file: string | undefined;
  readonly bytes: number | undefined;
  readonly samples: number;
  readonly remote: boolean;
}

function preparedFiles({ members }: TerrainMaker): PreparedFile[] {
  return members.map(({ source }) => {
    const { name, sheets } = source.info;
    const bytes = source.file === undefined ? undefined : bytesOf(source.file);
    const samples = sheets.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
    return { name, file: source.file, bytes, samples, remote: source.info.remote === true };
  });
}

/** Undefined also where the folder may not be looked into: whoever writes there then says so. */
function bytesOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
}

function isSame(one: PreparedFile): (other: PreparedFile) => boolean {
  return (other) => other.file === one.file;
}

function sentence({ name, file, bytes = 0, samples, remote }: PreparedFile, made: boolean): string {
  if (file === undefined && remote) return `${name} brings its own overviews and is far away: it is not prepared.`;
  if (file === undefined) return `${name} is so small that there is nothing to prepare.`;
  const size = `${bytesText(bytes)}, ${(bytes / samples).toFixed(2)} bytes a sample`;
  return made ? `${name} is prepared (${size}): ${file}` : `${name} was already prepared (${size}): ${file}`;
}
