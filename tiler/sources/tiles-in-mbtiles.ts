/** Picture tiles in an MBTiles archive (MBTiles 1.3: an SQLite database, rows counted from the south), read only. */
import { basename } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { RelievoError } from '../error.ts';
import type { HeightTiles, ZoomRange } from './height-tiles.ts';
import { MAX_TILE_BYTES, MAX_TREE_ZOOM, readTreeMetadata, refuseFormat } from './height-tiles.ts';

const MAX_METADATA_ROWS = 1000;
const MAX_METADATA_LENGTH = 100_000;

export function looksLikeSqlite(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, 16)).toString('latin1') === 'SQLite format 3\0';
}

/** Opens an archive. Refuses with `input-invalid` another database or a damaged one, `input-unsupported` other formats. */
export async function openMbtiles(path: string): Promise<HeightTiles> {
  const database = await openDatabase(path);
  let open = true;
  const close = async () => {
    if (open) database.close();
    open = false;
  };
  try {
    refuseComputedTiles(database, path);
    const metadata = readMetadata(database);
    const { format } = metadata;
    if (typeof format === 'string' && format !== '' && format !== 'png') refuseFormat(path, format);
    const zooms = readZooms(database, path);
    const { encoding, attribution } = readTreeMetadata(metadata);
    const tile = database.prepare(
      `SELECT length(tile_data) AS bytes, CASE WHEN length(tile_data) <= ${MAX_TILE_BYTES} THEN tile_data END AS data
       FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ? LIMIT 1`,
    );
    return {
      path,
      name: basename(path),
      format: 'MBTiles',
      zooms,
      encoding,
      attribution,
      async read(z, x, y) {
        const row = within(path, () => tile.get(z, x, 2 ** z - 1 - y));
        if (row === undefined || row.bytes === null) return undefined;
        if (row.data instanceof Uint8Array) return Buffer.from(row.data);
        throw invalid(path, `tile ${z}/${x}/${y} has ${row.bytes} bytes of no picture`);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error instanceof RelievoError ? error : invalid(path, messageOf(error), error);
  }
}

/** Opens an SQLite file to be read only, as one that nobody vouches for. */
export async function openDatabase(path: string): Promise<DatabaseSync> {
  const sqlite = await import('node:sqlite').catch((cause: unknown) => {
    throw new RelievoError(
      'input-unsupported',
      `${path} is an SQLite archive, which needs Node 22.13 or later (this is ${process.version}).`,
      { where: path, cause },
    );
  });
  try {
    const database = new sqlite.DatabaseSync(path, { readOnly: true, allowExtension: false });
    database.exec('PRAGMA trusted_schema = OFF');
    return database;
  } catch (cause) {
    throw invalid(path, messageOf(cause), cause);
  }
}

/** `tiles` may be a view of two tables; one that computes its rows could go on for ever. */
function refuseComputedTiles(database: DatabaseSync, path: string): void {
  const schema = database.prepare("SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view')").all();
  const names = schema.map(({ name }) => String(name).toLowerCase());
  if (!names.includes('tiles') || !names.includes('metadata')) {
    throw invalid(path, 'it has no tables "tiles" and "metadata", so it is no MBTiles');
  }
  const computed = schema.some(({ type, sql }) => type === 'view' && /\b(with|recursive)\b/i.test(String(sql)));
  if (computed) throw invalid(path, 'its tiles are computed by a query of its own');
}

function readMetadata(database: DatabaseSync): Readonly<Record<string, unknown>> {
  const rows = database
    .prepare(`SELECT name, substr(value, 1, ${MAX_METADATA_LENGTH}) AS value FROM metadata LIMIT ${MAX_METADATA_ROWS}`)
    .all();
  const values = new Map(rows.map(({ name, value }) => [String(name), value]));
  // More than the table holds may stand in one row of JSON.
  const more: unknown = parseJson(values.get('json'));
  const extra = typeof more === 'object' && more !== null ? more : {};
  // The scheme of the table is fixed, whatever a row says.
  return { ...extra, ...Object.fromEntries(values), scheme: 'xyz' };
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readZooms(database: DatabaseSync, path: string): ZoomRange[] {
  const rows = database
    .prepare(
      `SELECT zoom_level AS z, min(tile_column) AS x0, max(tile_column) AS x1, min(tile_row) AS south, max(tile_row) AS north
       FROM tiles GROUP BY zoom_level ORDER BY zoom_level LIMIT 100`,
    )
    .all();
  if (rows.length === 0) throw invalid(path, 'it has no tiles');
  return rows.map((row) => {
    const [z, x0, x1, south, north] = [row.z, row.x0, row.x1, row.south, row.north].map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const side = 2 ** z;
    if (![z, x0, x1, south, north].every(Number.isInteger)) {
      throw invalid(path, 'it has tiles whose level, column or row is no whole number');
    }
    if (z < 0 || z > MAX_TREE_ZOOM || x0 < 0 || x1 >= side || south < 0 || north >= side) {
      throw invalid(path, `it has tiles of level ${z} in columns ${x0} to ${x1}, rows ${south} to ${north}`);
    }
    return { z, x0, x1, y0: side - 1 - north, y1: side - 1 - south };
  });
}

function within<T>(path: string, query: () => T): T {
  try {
    return query();
  } catch (cause) {
    throw invalid(path, messageOf(cause), cause);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function invalid(path: string, what: string, cause?: unknown): RelievoError {
  return new RelievoError('input-invalid', `${path} cannot be used: ${what}; get it again.`, { where: path, cause });
}
