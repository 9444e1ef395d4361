/**
 * GDAL's raster tile index (GTI) in a GeoPackage, as `gdaltindex -f GPKG` writes it: a table of names of rasters. Each raster
 * keeps its own grid: of the index only the names and their order count, and the order is GDAL's, the last drawn on top.
 */
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { RelievoError } from '../error.ts';
import type { Referrer } from './allowed-place.ts';
import { checkLinks, referrerOf, resolveReference } from './allowed-place.ts';
import { openByteFile } from './byte-file.ts';
import { isRemoteName } from './source-name.ts';
import { looksLikeSqlite, openDatabase } from './tiles-in-mbtiles.ts';
import { attributeOf, childrenOf, readXml, textOf } from './xml-tree.ts';

const MAX_ROWS = 1_000_000;
const MAX_NAME = 4096;
const MAX_METADATA = 100_000;

export function isTileIndexName(name: string): boolean {
  return /\.gpkg$/i.test(name);
}

/** Absolute paths and addresses of the rasters, the one that lies on top first. */
export async function readTileIndex(
  path: string,
  allow: readonly string[] = [],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const file = await openByteFile(path);
  try {
    if (!looksLikeSqlite(await file.read(0, Math.min(16, file.size)))) throw invalid(path, 'it is no GeoPackage');
  } finally {
    await file.close();
  }
  const names = await readNames(path);
  const referrer = await referrerOf(path, allow);
  const find = finderOf(referrer);
  const found: string[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    found.push(await find(name));
  }
  return found;
}

async function readNames(path: string): Promise<string[]> {
  const database = await openDatabase(path);
  try {
    const { table, settings } = findLayer(database, path);
    const columns = columnsOf(database, table);
    const column = (key: string, fallback: string) => {
      const wanted = settings.get(key) ?? fallback;
      const found = columns.find((name) => name.toLowerCase() === wanted.toLowerCase());
      if (found !== undefined) return quoted(found);
      throw invalid(path, `its table "${table}" has no column "${wanted.slice(0, 80)}" of its own`);
    };
    if (settings.has('FILTER')) throw invalid(path, 'it has a filter of its own, which Relievo does not read');
    const location = column('LOCATION_FIELD', 'location');
    const ascending = /^(yes|true|on|1)$/i.test(settings.get('SORT_FIELD_ASC') ?? 'YES');
    const sort = settings.has('SORT_FIELD') ? `${column('SORT_FIELD', '')} ${ascending ? 'ASC' : 'DESC'}, ` : '';
    // What GDAL draws last comes first here.
    const rows = database
      .prepare(
        `SELECT CASE WHEN length(${location}) <= ${MAX_NAME} THEN ${location} END AS name FROM ${quoted(table)}
         ORDER BY ${sort}rowid LIMIT ${MAX_ROWS + 1}`,
      )
      .all()
      .reverse();
    if (rows.length === 0) throw invalid(path, `its table "${table}" is empty`);
    if (rows.length > MAX_ROWS) throw invalid(path, `it names more than ${MAX_ROWS} rasters`);
    return rows.map(({ name }) => {
      if (typeof name === 'string' && name !== '') return name;
      throw invalid(path, `a row of its table "${table}" names no file`);
    });
  } catch (error) {
    throw error instanceof RelievoError ? error : invalid(path, (error as Error).message, error);
  } finally {
    database.close();
  }
}

/** The table of features and GDAL's settings of it, by key in capitals. */
function findLayer(database: DatabaseSync, path: string): { table: string; settings: ReadonlyMap<string, string> } {
  const tables = new Set(
    database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' LIMIT 10000")
      .all()
      .map(({ name }) => String(name)),
  );
  if (!tables.has('gpkg_contents')) throw invalid(path, 'it has no table "gpkg_contents", so it is no GeoPackage');
  const layers = database
    .prepare("SELECT table_name AS name FROM gpkg_contents WHERE data_type IN ('features', 'attributes') LIMIT 1000")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => tables.has(name));
  const metadata = tables.has('gpkg_metadata') && tables.has('gpkg_metadata_reference');
  const settingsOf = (table: string | null) =>
    metadata ? readSettings(database, path, table) : new Map<string, string>();
  const chosen = settingsOf(null).get('TILE_INDEX_LAYER');
  const fitting = layers.filter((name) => (chosen === undefined ? isIndex(database, name) : name === chosen));
  const [table] = fitting;
  if (table === undefined || fitting.length > 1) {
    const what = fitting.length > 1 ? `several tables with one (${fitting.slice(0, 4).join(', ')})` : 'none';
    throw invalid(path, `a tile index has one table of features with a column "location", and this has ${what}`);
  }
  return { table, settings: settingsOf(table) };
}

function isIndex(database: DatabaseSync, table: string): boolean {
  return columnsOf(database, table).some((name) => name.toLowerCase() === 'location');
}

/** Columns that are stored, not computed. */
function columnsOf(database: DatabaseSync, table: string): string[] {
  const rows = database.prepare(`PRAGMA table_xinfo(${quoted(table)})`).all();
  return rows.filter(({ hidden }) => hidden === 0).map(({ name }) => String(name));
}

/** What GDAL keeps as metadata of the table, or of the whole file (null). */
function readSettings(database: DatabaseSync, path: string, table: string | null): Map<string, string> {
  const rows = database
    .prepare(
      `SELECT CASE WHEN length(m.metadata) <= ${MAX_METADATA} THEN m.metadata END AS xml FROM gpkg_metadata m
       JOIN gpkg_metadata_reference r ON r.md_file_id = m.id
       WHERE m.md_standard_uri LIKE 'http://gdal.org%' AND r.table_name IS ? LIMIT 100`,
    )
    .all(table);
  const settings = new Map<string, string>();
  for (const { xml } of rows) {
    if (typeof xml !== 'string') throw invalid(path, 'its metadata are too long');
    for (const domain of childrenOf(readXml(xml, path), 'Metadata')) {
      if (attributeOf(domain, 'domain') === 'xml:GTI') {
        throw invalid(path, 'it holds settings as XML (xml:GTI), which Relievo does not read');
      }
      for (const item of childrenOf(domain, 'MDI')) {
        settings.set((attributeOf(item, 'key') ?? '').toUpperCase(), textOf(item));
      }
    }
  }
  return settings;
}

/**
 * Relative names count from the folder of the index where there is such a file, else from the working directory, as for
 * GDAL. Folders are listed once, so that no row costs a look at the disk of its own.
 */
function finderOf(referrer: Referrer): (name: string) => Promise<string> {
  const listings = new Map<string, Promise<ReadonlyMap<string, boolean>>>();
  const list = (folder: string) => {
    const known = listings.get(folder);
    if (known !== undefined) return known;
    const listing = readdir(folder, { withFileTypes: true }).then(
      (entries) => new Map(entries.map((entry) => [entry.name, entry.isSymbolicLink()])),
      () => new Map<string, boolean>(),
    );
    listings.set(folder, listing);
    return listing;
  };
  const folders = new Map<string, Promise<boolean>>();
  /** Whether the folder is one in fact, not by a link. */
  const isPlain = (folder: string) => {
    const known =
      folders.get(folder) ??
      realpath(folder).then(
        (real) => real === folder,
        () => false,
      );
    folders.set(folder, known);
    return known;
  };
  return async (name) => {
    const has = async (path: string) => (await list(dirname(path))).has(basename(path));
    const elsewhere =
      !isRemoteName(name) && !(await has(resolve(dirname(referrer.path), name))) && (await has(resolve(name)));
    const path = resolveReference(name, referrer, !elsewhere);
    if (isRemoteName(path)) return path;
    const isLink = (await list(dirname(path))).get(basename(path)) ?? true;
    if (isLink || !(await isPlain(dirname(path)))) await checkLinks(path, referrer);
    return path;
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function invalid(path: string, what: string, cause?: unknown): RelievoError {
  return new RelievoError(
    'input-invalid',
    `${path} cannot be used as a tile index: ${what}; make it with gdaltindex -f GPKG.`,
    { where: path, cause },
  );
}
