/** `relievo export`: a box of a tileset to one file that modelling, printing and measuring programs read. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { RelievoError } from '../error.ts';
import type { ExportReport } from '../export/export-box.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { addFlags, readFlags } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { bytesText, count, openProgress } from './progress.ts';

export const exportOptionsSchema = z.strictObject({
  level: z
    .int()
    .min(0)
    .max(30)
    .optional()
    .describe('Level of the tiles: of the tiling scheme, or in 3D Tiles the tiles with content above them'),
  maxError: z
    .number()
    .min(0)
    .max(1e7)
    .optional()
    .describe('The coarsest tiles of which the tileset states at most this error in metres, in place of --level'),
  pixels: z.int().min(2).max(8192).default(1024).describe("Pixels of the heightmap's longer side"),
});

export function addExportCommand(program: Command): void {
  const command = program
    .command('export')
    .summary('cut a box out of a tileset, for Blender, printing, measuring')
    .description(
      'Writes the surface of a box of any quantized-mesh or 3D Tiles tileset to a GLB, OBJ or PLY file in a local frame in metres, cut at the box, with the pictures that the tiles have; or a heightmap of it.',
    )
    .argument('<tileset>', 'folder, .3tz, tileset.json, layer.json, or http(s) address')
    .requiredOption('--bounds <W,S,E,N>', 'the box in degrees: west, south, east, north')
    .option('--out <file>', 'the surface: .glb (y up), .obj with .mtl and pictures (z up), or .ply with colours (z up)')
    .option('--heightmap <file>', 'its heights seen from above: .png of 16 bits, .exr or .tif of float32');
  addFlags(command, exportOptionsSchema)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Without --level and --max-error the finest level with at most 256 tiles in the box is taken.

Examples:
  relievo export maui --bounds -156.30,20.68,-156.20,20.76 --out haleakala.glb
  relievo export maui --bounds -156.30,20.68,-156.20,20.76 --level 12 --out haleakala.obj --heightmap haleakala.png
  relievo export https://example.com/city/tileset.json --bounds 5.68,50.84,5.70,50.86 --max-error 2 --out town.glb`,
    )
    .action(run);
}

async function run(tileset: string, typed: Record<string, unknown>): Promise<void> {
  const { level, maxError, pixels } = readFlags(exportOptionsSchema, typed);
  if (level !== undefined && maxError !== undefined) {
    throw new RelievoError('usage', '--level and --max-error choose the same: give one of them');
  }
  const [out, heightmap] = [typed.out, typed.heightmap].map((path) =>
    path === undefined ? undefined : resolve(String(path)),
  );
  if (out === undefined && heightmap === undefined) {
    throw new RelievoError('usage', 'nothing would be written: give --out, --heightmap, or both');
  }
  const box = readBounds(String(typed.bounds));
  // Readers of 3D Tiles and pictures take long to load, and no other command needs them.
  const { exportBox } = await import('../export/export-box.ts');
  const progress = openProgress(process.stderr, 'tiles');
  const report = await interruptible((signal) =>
    exportBox(tileset, { box, level, maxError, out, heightmap, pixels, signal, onTiles: progress.update }),
  ).finally(() => progress.end());
  process.stdout.write(typed.json === true ? `${JSON.stringify(report)}\n` : `${exportPage(report)}\n`);
}

/** West may be greater than east: then the box crosses the date line. */
function readBounds(text: string): LonLatBox {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [west, south, east, north] = numbers;
  const inWorld = Math.abs(west) <= 180 && Math.abs(east) <= 180 && south >= -90 && north <= 90;
  if (numbers.length === 4 && inWorld && south < north && west !== east) {
    return { west, south, east: east < west ? east + 360 : east, north };
  }
  throw new RelievoError(
    'usage',
    `--bounds must be west,south,east,north in degrees (-180 to 180, -90 to 90; south below north), not "${text}"`,
  );
}

function exportPage(report: ExportReport): string {
  const { origin, least, greatest, levels, errorMetres, out, heightmap, attribution, warnings } = report;
  const metres = (value: number) => `${value.toFixed(2)} m`;
  const across = [0, 1, 2].map((k) => greatest[k] - least[k]);
  const level = levels[0] === levels[1] ? `level ${levels[0]}` : `levels ${levels[0]} to ${levels[1]}`;
  const stated = report.kind === '3d-tiles' ? 'geometric error' : 'stated error';
  const error = errorMetres === undefined ? '' : `, ${stated} up to ${Number(errorMetres.toPrecision(3))} m`;
  const rows: [string, string][] = [
    ['source', `${report.source}: ${count(report.tiles)} tiles of ${report.kind}, ${level}${error}`],
    [
      'surface',
      `${count(report.triangles)} triangles, ${count(report.vertices)} vertices, ${report.pictures} pictures`,
    ],
    ['area', `${squareMetres(report.area)} of surface over ${squareMetres(report.planArea)} seen from above`],
    [
      'size',
      `${metres(across[0])} from west to east, ${metres(across[1])} from south to north, ${metres(across[2])} high`,
    ],
    ['origin', `longitude ${origin.lon}, latitude ${origin.lat}, ${origin.height} m GPS height (ellipsoidal)`],
    ['frame', `local, metres; ${framesOf(out?.path)}; up from ${metres(least[2])} to ${metres(greatest[2])}`],
    ['skirts', report.skirts],
  ];
  if (attribution.length > 0) rows.push(['made by', attribution.join('; ')]);
  for (const warning of warnings) rows.push(['note', warning]);
  if (out) {
    const files = out.files > 1 ? ` in ${out.files} files` : '';
    rows.push(['written', `${out.path}, ${bytesText(out.bytes)}${files}`]);
  }
  if (heightmap) rows.push(...heightmapRows(heightmap));
  return rows.map(([name, text]) => `${name.padEnd(9)}  ${text}`).join('\n');
}

function heightmapRows(map: NonNullable<ExportReport['heightmap']>): [string, string][] {
  const [x, y] = [map.west + map.width / 2, map.south + map.height / 2];
  const kind = map.kind === 'png' ? '16 bits grey' : 'float32, metres up';
  const clamp = map.kind !== 'png' && map.least < 0 ? ', Clamp off' : '';
  return [
    [
      'heightmap',
      `${map.path}, ${map.columns} x ${map.rows} pixels, ${kind}${map.empty > 0 ? `, ${count(map.empty)} of them without surface` : ''}`,
    ],
    [
      'plane',
      `${map.width.toFixed(3)} x ${map.height.toFixed(3)} m, its middle at x ${x.toFixed(3)}, y ${y.toFixed(3)}, z 0`,
    ],
    [
      'displace',
      `strength ${map.strength.toFixed(4)}, midlevel ${map.midlevel.toFixed(6)}, colour space Non-Color${clamp}`,
    ],
  ];
}

function framesOf(path: string | undefined): string {
  return path?.toLowerCase().endsWith('.glb') ? 'x east, y up, z south' : 'x east, y north, z up';
}

function squareMetres(area: number): string {
  return area >= 1e6 ? `${(area / 1e6).toFixed(3)} km²` : `${area.toFixed(1)} m²`;
}
