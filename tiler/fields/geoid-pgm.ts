/**
 * GeographicLib's geoid grids: a PGM picture of 16 bits, big-endian, whose comments give Offset and Scale (height =
 * offset + scale * value, metres) and whose first sample lies at 90 N, 0 E; the whole world, rows from the north, the
 * last one the south pole (GeographicLib, class Geoid).
 */
import { RelievoError } from '../error.ts';
import type { ByteFile } from '../sources/byte-file.ts';
import type { GeoidRaster } from './geoid-raster.ts';

const MAX_HEADER_BYTES = 4096;
const ORIGIN = /^90(\.0*)?\s*N\s+0(\.0*)?\s*E$/i;

/** Names in the comments, and the vertical CRS that they mean. */
const MODELS: readonly [RegExp, number][] = [
  [/EGM ?2008/i, 3855],
  [/EGM ?96/i, 5773],
  [/EGM ?84/i, 5798],
];

export function looksLikePgm(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x35;
}

/** Refuses with `input-invalid` one that is cut off, or that is a picture and no geoid. */
export async function openPgm(file: ByteFile): Promise<GeoidRaster> {
  const { fields, comments, dataAt } = await readHeader(file);
  const [columns = 0, rows = 0, greatest = 0] = fields;
  const offset = Number(comments.get('offset') ?? NaN);
  const scale = Number(comments.get('scale') ?? NaN);
  const origin = comments.get('origin') ?? '90N 0E';
  const refuse = (what: string) =>
    new RelievoError('input-invalid', `${file.path} is no geoid grid of GeographicLib: ${what}.`, { where: file.path });
  if (!Number.isFinite(offset) || !(scale > 0)) throw refuse('its comments give no Offset and Scale');
  if (greatest !== 65535) throw refuse(`its greatest value is ${greatest}; expected 65535`);
  if (!ORIGIN.test(origin.trim())) throw refuse(`it begins at ${origin}; expected 90N 0E`);
  if (!(columns >= 2 && columns % 2 === 0 && rows >= 3 && rows % 2 === 1)) {
    throw refuse(`it has ${columns} x ${rows} values; expected an even number of columns and an odd one of rows`);
  }
  if (file.size < dataAt + 2 * columns * rows) {
    throw refuse(
      `it is cut off: ${columns} x ${rows} values need ${dataAt + 2 * columns * rows} bytes, it has ${file.size}`,
    );
  }
  const description = comments.get('description') ?? file.name;
  return {
    west: 0,
    north: 90,
    spacingLon: 360 / columns,
    spacingLat: 180 / (rows - 1),
    columns,
    rows,
    verticalCrs: MODELS.find(([name]) => name.test(description))?.[1],
    async read(window) {
      const out = new Float32Array(window.columns * window.rows);
      for (let row = 0; row < window.rows; row++) {
        const at = dataAt + 2 * ((window.row + row) * columns + window.column);
        const bytes = await file.read(at, 2 * window.columns);
        for (let i = 0; i < window.columns; i++) {
          out[row * window.columns + i] = offset + scale * bytes.readUInt16BE(2 * i);
        }
      }
      return out;
    },
  };
}

/** The three numbers, the comments by their first word in small letters, and where the samples begin. */
async function readHeader(file: ByteFile) {
  const text = (await file.read(0, Math.min(file.size, MAX_HEADER_BYTES))).toString('latin1');
  const comments = new Map<string, string>();
  const fields: number[] = [];
  let at = 2;
  while (fields.length < 3 && at < text.length) {
    if (/\s/.test(text[at])) at++;
    else if (text[at] === '#') {
      const end = text.indexOf('\n', at);
      const line = text.slice(at + 1, end < 0 ? undefined : end).trim();
      const [name = ''] = line.split(/\s/, 1);
      comments.set(name.toLowerCase(), line.slice(name.length).trim());
      at = end < 0 ? text.length : end + 1;
    } else {
      const word = /^\S+/.exec(text.slice(at))?.[0] ?? '';
      fields.push(Number(word));
      at += word.length;
    }
  }
  return { fields, comments, dataAt: at + 1 };
}
