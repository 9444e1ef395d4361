/** Heights at places as GDAL reads the file: bilinear between the four samples round each, interpolated here. */
import { basename } from 'node:path';
import { gdalSamples } from './gdal.ts';

/** Heights of SRTM sheets (whole degrees, samples on the degree lines) at longitude and latitude, in the files' metres. */
export function sampleByGdal(
  sheets: readonly string[],
  places: readonly (readonly [lon: number, lat: number, ...rest: unknown[]])[],
): number[] {
  const read = sheets.map((path) => {
    const [, ns, lat, ew, lon] = basename(path).match(/^([NS])(\d+)([EW])(\d+)/) ?? [];
    const samples = gdalSamples(path);
    return {
      south: Number(lat) * (ns === 'S' ? -1 : 1),
      west: Number(lon) * (ew === 'W' ? -1 : 1),
      side: Math.sqrt(samples.length),
      samples,
    };
  });
  return places.map(([lon, lat]) => {
    const sheet = read.find(({ west, south }) => lon >= west && lon <= west + 1 && lat >= south && lat <= south + 1);
    if (!sheet) throw new Error(`no sheet holds ${lon}, ${lat}`);
    const x = (lon - sheet.west) * (sheet.side - 1);
    const y = (sheet.south + 1 - lat) * (sheet.side - 1);
    const at = (column: number, row: number) => sheet.samples[row * sheet.side + column];
    const [c, r] = [Math.floor(x), Math.floor(y)];
    const north = at(c, r) * (c + 1 - x) + at(c + 1, r) * (x - c);
    const south = at(c, r + 1) * (c + 1 - x) + at(c + 1, r + 1) * (x - c);
    return north * (r + 1 - y) + south * (y - r);
  });
}
