/**
 * RAW: samples and nothing else, in the layout that the user states: `3601x3601:int16:big`, with a fourth part for the bytes
 * before the first sample. Rows from the north; placed by the user.
 */
import { RelievoError } from '../error.ts';
import { openByteFile } from './byte-file.ts';
import type { FlatLayout, FlatType } from './flat-cells.ts';
import { bytesOfType, endOfSamples, FLAT_TYPES } from './flat-cells.ts';
import type { FlatOptions } from './flat-source.ts';
import { openFlatSource } from './flat-source.ts';
import type { RasterSource } from './raster-source.ts';

/** Opens a file without a header. Refuses with `usage` a layout that is none, or that another length of file would have. */
export async function openRaw(path: string, layoutText: string, options: FlatOptions = {}): Promise<RasterSource> {
  const layout = parseRawLayout(layoutText);
  const file = await openByteFile(path);
  try {
    const expected = endOfSamples(file.path, layout);
    if (file.size !== expected) {
      throw new RelievoError(
        'usage',
        `${file.path} has ${file.size} bytes, but ${layoutText} makes ${expected}: correct --raw-layout; its last part is the number of bytes before the first sample.`,
        { where: '--raw-layout' },
      );
    }
    return await openFlatSource(file, 'RAW', 'a file of bare samples', layout, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function parseRawLayout(text: string): FlatLayout {
  const match = /^\s*(\d{1,10})x(\d{1,10}):([a-z]+\d+)(?::(little|big))?(?::(\d{1,15}))?\s*$/i.exec(text);
  const [, columnsText, rowsText, typeText = '', order = 'little', skip = '0'] = match ?? [];
  const type = typeText.toLowerCase();
  const [columns, rows] = [Number(columnsText), Number(rowsText)];
  if (!isFlatType(type) || !(columns > 0) || !(rows > 0)) {
    throw new RelievoError(
      'usage',
      `A layout is COLUMNSxROWS:TYPE, then :little or :big, then :BYTES to skip, such as 3601x3601:int16:big; types are ${FLAT_TYPES.join(', ')}; got "${text}".`,
      { where: '--raw-layout' },
    );
  }
  const stride = columns * bytesOfType(type);
  const littleEndian = order.toLowerCase() === 'little';
  return { columns, rows, sampleType: type, littleEndian, offset: Number(skip), stride, fortran: false };
}

function isFlatType(type: string): type is FlatType {
  return (FLAT_TYPES as readonly string[]).includes(type);
}
