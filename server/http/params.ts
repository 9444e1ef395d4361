/**
 * Tile addresses as they stand in URLs. One tile has one address: plain decimal numbers, rows from the **south** (TMS);
 * they become the inner, north-counted `TileId` here and nowhere else in the server.
 */
import { RelievoError } from '../../tiler/error.ts';
import { flipRow, isTile, type TileId, type TilingScheme } from '../../tiler/geo/tiling-scheme.ts';

const NUMBER = /^(0|[1-9]\d{0,9})$/;
const SUFFIX = '.terrain';

/**
 * The tile that `{z}/{x}/{file}` names, `file` being `{y}.terrain`. Throws `address-invalid` for anything but plain
 * numbers, `not-found` for a tile outside its level and for other files.
 */
export function parseTileAddress(z: string, x: string, file: string, scheme: TilingScheme): TileId {
  const where = `${z}/${x}/${file}`;
  if (!file.endsWith(SUFFIX)) {
    throw new RelievoError('not-found', `expected a tile address that ends in ${SUFFIX}, got "${file}"`, { where });
  }
  const level = parseNumber(z, 'level', where);
  const column = parseNumber(x, 'column', where);
  const row = parseNumber(file.slice(0, -SUFFIX.length), 'row', where);
  // Checked before the flip: rows of a level that does not exist have no other end to count from.
  if (!isTile(scheme, { z: level, x: column, y: row })) {
    const columns = scheme.rootColumns === 2 ? '2^(z+1)' : '2^z';
    const message = `there is no such tile: level z has columns 0 to ${columns} - 1 and rows 0 to 2^z - 1, z at most 30`;
    throw new RelievoError('not-found', message, { where });
  }
  return { z: level, x: column, y: flipRow(scheme, level, row) };
}

/** One of the numbers of an address; `name` is what it is called. Throws `address-invalid`. */
export function parseNumber(text: string, name: string, where: string): number {
  if (!NUMBER.test(text)) {
    const message = `expected the ${name} as a plain whole number such as 0 or 17, got "${text}"`;
    throw new RelievoError('address-invalid', message, { where });
  }
  return Number(text);
}

/**
 * Refuses percent signs in the path (not the query) of an address: no canonical one has any, and a decoded one would be
 * a second address of the same thing.
 */
export function refuseEncodedPath(path: string): void {
  if (!path.includes('%')) return;
  const message = 'expected an address without percent encoding: layer names, numbers and dots need none';
  throw new RelievoError('address-invalid', message, { where: path });
}
