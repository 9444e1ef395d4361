/** Pictures for tests, written by GDAL from a colour for each pixel, and pixels as GDAL reads them. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface ColourRaster {
  readonly columns: number;
  readonly rows: number;
  readonly bands: number;
  /** Default 8. */
  readonly bits?: 8 | 16;
  readonly colourAt: (column: number, row: number) => readonly number[];
}

/** Writes `path` with the given arguments of gdal_translate, such as `-a_srs` and `-a_ullr`. */
export function writeColours(path: string, raster: ColourRaster, args: readonly string[]): void {
  const { columns, rows, bands, bits = 8, colourAt } = raster;
  const samples = new (bits === 8 ? Uint8Array : Uint16Array)(columns * rows * bands);
  for (let i = 0; i < columns * rows; i++) samples.set(colourAt(i % columns, Math.floor(i / columns)), i * bands);
  const raw = `${path}.raw`;
  writeFileSync(raw, new Uint8Array(samples.buffer));
  const type = bits === 8 ? 1 : 12;
  writeFileSync(
    `${path}.hdr`,
    `ENVI\nsamples = ${columns}\nlines = ${rows}\nbands = ${bands}\ndata type = ${type}\ninterleave = bip\nbyte order = 0\n`,
  );
  execFileSync('gdal_translate', ['-q', ...args, raw, path], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (const beside of [raw, `${path}.hdr`, `${path}.aux.xml`]) rmSync(beside, { force: true });
}

/** All samples of 8 bits, bands interleaved, after the given arguments of gdal_translate. */
export function gdalPixels(path: string, args: readonly string[] = []): Uint8Array {
  const raw = `${path}.pixels`;
  execFileSync('gdal_translate', ['-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BIP', ...args, path, raw]);
  const pixels = new Uint8Array(readFileSync(raw));
  for (const beside of [raw, `${raw}.hdr`, `${path}.hdr`, `${raw}.aux.xml`]) rmSync(beside, { force: true });
  return pixels;
}
