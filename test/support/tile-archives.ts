/** Archives of tiles for tests: MBTiles through node:sqlite, PMTiles byte by byte (PMTiles 3, one plain directory). */
import { DatabaseSync } from 'node:sqlite';
import { zxyToTileId } from 'pmtiles';

export interface Tile {
  readonly z: number;
  readonly x: number;
  /** From the north. */
  readonly y: number;
  readonly bytes: Uint8Array;
}

export function writeMbtiles(path: string, tiles: readonly Tile[], metadata: Readonly<Record<string, string>>): void {
  const database = new DatabaseSync(path);
  database.exec(
    `CREATE TABLE metadata (name TEXT, value TEXT);
     CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB);
     CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);`,
  );
  const pair = database.prepare('INSERT INTO metadata VALUES (?, ?)');
  for (const [name, value] of Object.entries(metadata)) pair.run(name, value);
  const insert = database.prepare('INSERT INTO tiles VALUES (?, ?, ?, ?)');
  for (const { z, x, y, bytes } of tiles) insert.run(z, x, 2 ** z - 1 - y, bytes);
  database.close();
}

export interface PmtilesFacts {
  readonly metadata: unknown;
  readonly minZoom: number;
  readonly maxZoom: number;
  /** West, south, east, north, degrees. */
  readonly bounds: readonly [number, number, number, number];
  /** By number; default 2, PNG. */
  readonly tileType?: number | undefined;
}

export function pmtilesOf(tiles: readonly Tile[], facts: PmtilesFacts): Buffer {
  const entries = tiles.map(({ z, x, y, bytes }) => ({ id: zxyToTileId(z, x, y), bytes })).sort((a, b) => a.id - b.id);
  const directory: number[] = [entries.length];
  for (const [i, { id }] of entries.entries()) directory.push(id - (entries[i - 1]?.id ?? 0));
  for (let i = 0; i < entries.length; i++) directory.push(1);
  for (const { bytes } of entries) directory.push(bytes.length);
  let at = 0;
  for (const { bytes } of entries) {
    directory.push(at + 1);
    at += bytes.length;
  }
  const root = Buffer.concat(directory.map(varintOf));
  const metadata = Buffer.from(JSON.stringify(facts.metadata));
  const header = Buffer.alloc(127);
  header.write('PMTiles\x03', 'latin1');
  const pieces = [root.length, metadata.length, 0, at];
  let offset = header.length;
  for (const [i, length] of pieces.entries()) {
    header.writeBigUInt64LE(BigInt(offset), 8 + 16 * i);
    header.writeBigUInt64LE(BigInt(length), 16 + 16 * i);
    offset += length;
  }
  header.set([1, 1, 1, facts.tileType ?? 2, facts.minZoom, facts.maxZoom], 96);
  for (const [i, degrees] of facts.bounds.entries()) header.writeInt32LE(Math.round(degrees * 1e7), 102 + 4 * i);
  return Buffer.concat([header, root, metadata, ...entries.map(({ bytes }) => bytes)]);
}

function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
