/** `relievo build`: all tiles of a source into a folder, or into an archive of 3D Tiles. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RelievoError } from '../error.ts';
import { type BuildPlan, type BuildReport, buildTileset } from '../pyramid/build.ts';
import { buildOptionsSchema, checkFormat } from '../pyramid/options.ts';
import { openInProcessRunner } from '../run/in-process.ts';
import { openThreads } from '../run/threads.ts';
import { absoluteName } from '../sources/source-name.ts';
import { cacheFolder } from '../store/cache-folder.ts';
import { addAliases, applyAliases } from './aliases.ts';
import { addSurfaceFlags, isSurfaceBuild, runSurfaceBuild } from './build-surface.ts';
import { addFlags, flagOf, readFlags } from './flags.ts';
import { interruptible } from './interrupt.ts';
import {
  bytesText,
  count,
  openProgress,
  openScanProgress,
  sayJson,
  sayProgressAsJson,
  sayWaiting,
} from './progress.ts';
import { formatTable, metres } from './table.ts';

export function addBuildCommand(program: Command): void {
  const command = program
    .command('build')
    .summary('make all tiles of a source, into a folder')
    .description(
      'Makes quantized-mesh tiles or 3D Tiles from elevation rasters: GeoTIFF and SRTM .hgt, .hgt.zip. Several files are taken as one source.',
    )
    .argument('<source...>', 'elevation rasters')
    .requiredOption(
      '-o, --out <folder>',
      'where the tileset goes, for 3D Tiles also an archive x.3tz; nothing shows there before it is whole',
    );
  addFlags(command, buildOptionsSchema);
  addAliases(addSurfaceFlags(command))
    .option('--json', 'one JSON object a line on standard output, for machines')
    .addHelpText(
      'after',
      `
Examples:
  relievo build N20W157.hgt.zip N20W156.hgt.zip --out maui
  relievo build dem.tif --out dem --max-zoom 13 --vertical-datum ellipsoid
  relievo build dem.tif --out dem --quality 0.5 --extensions none
  relievo build dem.tif --format 3dtiles --texture ortho.tif --out dem.3tz`,
    )
    .action(run);
}

async function run(sources: string[], typed: Record<string, unknown>, command: Command): Promise<void> {
  if (isSurfaceBuild(sources, typed)) return runSurfaceBuild(sources[0], typed, command);
  const asked = readFlags(buildOptionsSchema, applyAliases(typed));
  const { threads = availableParallelism(), cache, title, attribution, measure, exact, ...others } = asked;
  const { format, profile = 'standard', texture, textureCrs, textureFormat, ...options } = others;
  if (exact && !measure)
    throw new RelievoError('usage', '--exact measures and --no-measure does not: give one of them');
  const out = String(typed.out);
  checkFormat(asked, out, flagOf);
  const pictureOptions = { textureCrs, format: textureFormat, cacheFolder: cacheFolder(cache) };
  const json = typed.json === true;
  const preparing = openProgress(process.stderr, 'blocks prepared');
  const progress = openProgress(process.stderr, 'tiles');
  const started = performance.now();
  const report = await interruptible((signal) =>
    buildTileset(
      { sources: sources.map(absoluteName), options, cacheFolder: cacheFolder(cache) },
      {
        out: resolve(out),
        threads,
        labels: { title, attribution },
        tiles3d: format === '3dtiles' ? { profile, pictures: texture.map(absoluteName), pictureOptions } : undefined,
        measure: exact ? 'exact' : measure ? 'sample' : 'none',
        // One thread needs no second copy of the source: the work runs here.
        openRunner: threads === 1 ? openInProcessRunner : openThreads,
        signal,
        onPlan: json ? sayPlanAsJson : sayPlan,
        onScan: openScanProgress(process.stderr),
        onWait: (who) => {
          preparing.end();
          sayWaiting(who);
        },
        onPrepare: json ? sayProgressAsJson('prepare') : preparing.update,
        onTiles: json
          ? sayProgressAsJson('tiles')
          : (done, total) => {
              preparing.end();
              progress.update(done, total);
            },
      },
    ),
  ).finally(() => {
    preparing.end();
    progress.end();
  });
  const seconds = (performance.now() - started) / 1000;
  if (json) {
    const { document, quality, levels } = report;
    sayJson({ event: 'done', out: resolve(out), seconds, levels, version: document.version, quality });
  } else sayReport(report, out, seconds);
}

function sayPlan({ document, nativeLevel, tilesByLevel }: BuildPlan): void {
  const { datum, warnings = [] } = document.relievo;
  const total = tilesByLevel.reduce((a, b) => a + b, 0);
  process.stderr.write(
    `${document.description}, levels 0 to ${document.maxzoom} (native ${nativeLevel}), ${count(total)} tiles\n` +
      `Heights: ${datum.because}${datum.known === 'assumed' ? ' (ASSUMED)' : ''}\n${warnings.map((warning) => `Warning: ${warning}\n`).join('')}`,
  );
}

function sayReport({ quality: { levels, certified, sample } }: BuildReport, out: string, seconds: number): void {
  const rows = levels.map(({ level, tiles, bytes, triangles, maxError, measured, bound }) => [
    String(level),
    count(tiles),
    bytesText(bytes),
    count(Math.round(triangles / tiles)),
    maxError === null ? 'not certified' : metres(maxError),
    ...(sample.kind === 'none' ? [] : [measured ? metres(measured.rms) : '-']),
    metres(bound),
  ]);
  const titles = [
    ...['level', 'tiles', 'size', 'triangles/tile', 'greatest error, certified (m)'],
    ...(sample.kind === 'none' ? [] : ['RMS (m)']),
    "clients' bound (m)",
  ];
  const tiles = levels.reduce((sum, level) => sum + level.tiles, 0);
  const bytes = levels.reduce((sum, level) => sum + level.bytes, 0);
  process.stdout.write(
    `${formatTable(
      titles.map((title) => ({ title })),
      rows,
    )}\n\n` +
      `${certified ? '' : 'Levels that are not certified were made from overviews that nothing bounds, are flat because of --min-zoom, or show too much in part (docs/quality.md).\n'}` +
      `${count(tiles)} tiles, ${bytesText(bytes)}, in ${seconds.toFixed(1)} s (${count(Math.round(tiles / seconds))} tiles/s)\n` +
      `See it: relievo serve ${out}\n`,
  );
}

function sayPlanAsJson({ document, nativeLevel, tilesByLevel }: BuildPlan): void {
  const { version, bounds, maxzoom, relievo } = document;
  sayJson({
    event: 'plan',
    version,
    bounds,
    maxZoom: maxzoom,
    nativeZoom: nativeLevel,
    tilesByLevel,
    datum: relievo.datum,
    warnings: relievo.warnings,
  });
}
