/**
 * Esri's binary grids: bare samples beside a `.hdr` of keys and values. BIL and BSQ of one or more bands (the first is the
 * heights), and the float grid `.flt`. Coordinates at cell centres.
 */
import { RelievoError } from '../error.ts';
import type { ByteFile } from './byte-file.ts';
import { openByteFile } from './byte-file.ts';
import type { EsriHeader } from './esri-header.ts';
import { affineOfHeader, numberOf, readHeaderFile, shapeOfHeader } from './esri-header.ts';
import type { FlatLayout, FlatType } from './flat-cells.ts';
import { bytesOfType } from './flat-cells.ts';
import type { FlatOptions } from './flat-source.ts';
import { openFlatSource } from './flat-source.ts';
import type { RasterSource } from './raster-source.ts';
import { findHeader, readText } from './sidecars.ts';

/** The `.hdr` beside a file when it is one of Esri's; undefined when there is none. */
export async function findEsriHeader(path: string): Promise<string | undefined> {
  if (/\.hdr$/i.test(path)) return undefined;
  const found = await findHeader(path);
  if (found === undefined) return undefined;
  const header = readHeaderFile(await readText(found));
  return header.has('ncols') && header.has('nrows') ? found : undefined;
}

/** Opens samples with the header at `headerPath`. Refuses what is broken, of many bands in one, or without a CRS. */
export async function openEhdr(path: string, headerPath: string, options: FlatOptions = {}): Promise<RasterSource> {
  const file = await openByteFile(path);
  try {
    const header = readHeaderFile(await readText(headerPath));
    const layout = layoutOf(header, file, headerPath);
    const affine = affineOfHeader(header, layout.rows, headerPath);
    const given = header.get('nodata_value') ?? header.get('nodata');
    const nodata = given === undefined ? undefined : /nan/i.test(given) ? Number.NaN : Number(given);
    const what = "one of Esri's binary grids";
    return await openFlatSource(file, 'Esri binary grid', what, layout, options, { affine, nodata });
  } catch (error) {
    await file.close();
    throw error;
  }
}

function layoutOf(header: EsriHeader, file: ByteFile, path: string): FlatLayout {
  const shape = shapeOfHeader(header, path);
  const sampleType = typeOf(header, file, path);
  const bands = numberOf(header, 'nbands', path, 1);
  const layout = (header.get('layout') ?? 'BIL').toUpperCase();
  if (bands > 1 && layout !== 'BIL' && layout !== 'BSQ') {
    throw new RelievoError(
      'input-unsupported',
      `${path} interleaves ${bands} bands by ${layout}; extract the heights with gdal_translate -b 1.`,
      { where: path },
    );
  }
  const rowBytes = shape.columns * bytesOfType(sampleType);
  const bandRowBytes = numberOf(header, 'bandrowbytes', path, rowBytes);
  const stride = layout === 'BIL' ? numberOf(header, 'totalrowbytes', path, bandRowBytes * bands) : bandRowBytes;
  const offset = numberOf(header, 'skipbytes', path, 0);
  const order = (header.get('byteorder') ?? 'I').toUpperCase();
  return { ...shape, sampleType, littleEndian: order === 'I' || order === 'LSBFIRST', offset, stride, fortran: false };
}

function typeOf(header: EsriHeader, file: ByteFile, path: string): FlatType {
  const float = /\.flt$/i.test(file.path);
  const bits = numberOf(header, 'nbits', path, float ? 32 : 8);
  const kind = (header.get('pixeltype') ?? (float ? 'FLOAT' : '')).toUpperCase();
  if (kind === 'FLOAT' && (bits === 32 || bits === 64)) return bits === 32 ? 'float32' : 'float64';
  const unsigned = kind.startsWith('UNSIGNED');
  if (bits === 8) return kind.startsWith('SIGNED') ? 'int8' : 'uint8';
  // GTOPO30 and its kin leave the kind out and mean signed ones.
  if (bits === 16) return unsigned ? 'uint16' : 'int16';
  if (bits === 32 && kind !== 'FLOAT') return unsigned ? 'uint32' : 'int32';
  throw new RelievoError(
    'input-unsupported',
    `${path} says that samples have ${bits} bits of kind ${kind || 'unknown'}; expected 8, 16 or 32 bits: convert it with gdal_translate -of COG.`,
    { where: path },
  );
}
