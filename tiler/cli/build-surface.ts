/** `relievo build scene.glb --at ...`: a surface from a file, placed on Earth, as 3D Tiles with levels of detail. */
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { RelievoError } from '../error.ts';
import { egm96, undulationAt } from '../geo/geoid.ts';
import type { SurfaceFrame } from '../geo/surface-mesh.ts';
import { buildSurface, type SurfaceReport } from '../pyramid/build-surface.ts';
import { isSurfaceName, readSurfaceFile } from '../sources/surface-file.ts';
import { flagOf } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { bytesText, count, openProgress, sayJson, sayProgressAsJson } from './progress.ts';
import { formatTable, metres } from './table.ts';

/** Of the flags of `build`, those that say something of a surface. */
const FLAGS: ReadonlySet<string> = new Set(['out', 'json', 'at', 'up', 'title', 'attribution', 'format']);

const AT_WORDS =
  '--at LON,LAT,HEIGHT[,HEADING]: degrees east, degrees north, metres above the ellipsoid (or as 120:msl, above sea level), degrees clockwise from north';

export function addSurfaceFlags(command: Command): Command {
  return command
    .option(
      '--at <place>',
      "Where a surface's own origin lies, LON,LAT,HEIGHT[,HEADING]: degrees, metres above the ellipsoid (120:msl for above sea level), degrees clockwise from north",
    )
    .option('--up <axis>', 'Which axis of a surface points up: y, with north along -z, or z, with north along y [y]');
}

/** Whether the sources are surfaces; fails with `usage` for a mixture, and for a raster with a surface's flags. */
export function isSurfaceBuild(sources: readonly string[], typed: Readonly<Record<string, unknown>>): boolean {
  const surfaces = sources.filter(isSurfaceName);
  if (surfaces.length === 0) {
    const flag = ['at', 'up'].find((key) => typed[key] !== undefined);
    if (flag)
      throw new RelievoError('usage', `--${flag} is for surfaces (.glb, .gltf, .obj), and ${sources[0]} is none`);
    return false;
  }
  if (sources.length > 1) {
    throw new RelievoError('usage', `${surfaces[0]} is a surface, and those are built one at a time: name it alone`);
  }
  return true;
}

export async function runSurfaceBuild(
  source: string,
  typed: Readonly<Record<string, unknown>>,
  command: Command,
): Promise<void> {
  const other = Object.keys(typed).find((key) => !FLAGS.has(key) && command.getOptionValueSource(key) === 'cli');
  if (other)
    throw new RelievoError('usage', `${flagOf(other)} is for rasters, and says nothing of ${source}: leave it out`);
  if (typed.format !== undefined && typed.format !== '3dtiles') {
    throw new RelievoError('usage', `A surface becomes 3D Tiles: leave --format ${typed.format} out`);
  }
  const up = typed.up ?? 'y';
  if (up !== 'y' && up !== 'z') throw new RelievoError('usage', `--up is y or z, not ${up}`);
  const frame = readPlace(typed.at, source);
  const out = String(typed.out);
  const json = typed.json === true;
  const progress = openProgress(process.stderr, 'tiles');
  const started = performance.now();
  const report = await interruptible(async (signal) => {
    const { surface, copyright, warnings } = await readSurfaceFile(resolve(source), up, signal);
    const { lon, lat, height, heading } = frame;
    process.stderr.write(
      `${basename(source)}, ${count(surface.triangles.length / 3)} triangles, origin at ${lon}, ${lat}, ` +
        `${height.toFixed(2)} m above the ellipsoid, turned by ${heading} degrees\n` +
        warnings.map((warning) => `Warning: ${warning}\n`).join(''),
    );
    return buildSurface(
      { ...surface, frame },
      {
        out: resolve(out),
        title: String(typed.title ?? basename(source)),
        attribution: typed.attribution === undefined ? copyright : String(typed.attribution),
        onTiles: json ? sayProgressAsJson('tiles') : progress.update,
        signal,
      },
    );
  }).finally(progress.end);
  const seconds = (performance.now() - started) / 1000;
  if (json) sayJson({ event: 'done', out: resolve(out), seconds, frame, ...report });
  else sayReport(report, out, seconds);
}

/** Fails with `usage`, and with what is expected. */
export function readPlace(words: unknown, source: string): SurfaceFrame {
  if (words === undefined) {
    throw new RelievoError('usage', `${source} says nothing of its place on Earth: give ${AT_WORDS}`);
  }
  const parts = String(words).split(',');
  const overSea = parts[2]?.trim().endsWith(':msl') === true;
  const [lon, lat, over, heading = 0] = parts.map((part, i) => numberOf(i === 2 ? part.replace(/:msl\s*$/, '') : part));
  const isPlace = Math.abs(lon) <= 180 && Math.abs(lat) <= 90 && Number.isFinite(over) && Math.abs(heading) <= 360;
  if (parts.length < 3 || parts.length > 4 || !isPlace) {
    throw new RelievoError('usage', `--at ${words} is no place: give ${AT_WORDS}`);
  }
  return { lon, lat, height: overSea ? over + undulationAt(egm96(), lon, lat) : over, heading };
}

function numberOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

function sayReport({ levels, stepMetres }: SurfaceReport, out: string, seconds: number): void {
  const rows = levels.map(({ level, tiles, bytes, triangles, maxError }) => [
    String(level),
    count(tiles),
    bytesText(bytes),
    count(Math.round(triangles / tiles)),
    metres(maxError),
  ]);
  const titles = ['level', 'tiles', 'size', 'triangles/tile', 'greatest error, measured (m)'];
  const total = levels.reduce((sum, { bytes }) => sum + bytes, 0);
  const tiles = levels.reduce((sum, level) => sum + level.tiles, 0);
  process.stdout.write(
    `${formatTable(
      titles.map((title) => ({ title })),
      rows,
    )}\n\n` +
      `${count(tiles)} tiles, ${bytesText(total)}, in ${seconds.toFixed(1)} s; ` +
      `positions in steps of ${(stepMetres * 1000).toPrecision(2)} mm: ${out}\n`,
  );
}
