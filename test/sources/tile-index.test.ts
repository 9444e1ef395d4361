import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { readMosaic } from '../../tiler/sources/mosaic.ts';
import { openSources } from '../../tiler/sources/open-source.ts';
import { readTileIndex } from '../../tiler/sources/tile-index.ts';
import { HAS_GDAL } from '../support/gdal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testData } from '../support/test-data.ts';

const KOREA = ['korea5186_34707051.tif', 'korea5186_34707052.tif', 'korea5186_34707053.tif'];
const found = KOREA.map((name) => testData(`geotiff/${name}`) ?? '');

/** A GeoPackage as far as a tile index needs one; `more` is SQL that is run last. */
function index(folder: string, locations: readonly (string | null)[], more = ''): string {
  const path = join(folder, 'index.gti.gpkg');
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT);
    CREATE TABLE tiles (fid INTEGER PRIMARY KEY, geom BLOB, location TEXT, z INTEGER);
    INSERT INTO gpkg_contents VALUES ('tiles', 'features');
    CREATE TABLE gpkg_metadata (id INTEGER PRIMARY KEY, md_scope TEXT, md_standard_uri TEXT, mime_type TEXT, metadata TEXT);
    CREATE TABLE gpkg_metadata_reference (reference_scope TEXT, table_name TEXT, md_file_id INTEGER);
  `);
  const insert = database.prepare('INSERT INTO tiles (location, z) VALUES (?, ?)');
  database.exec('BEGIN');
  locations.forEach((location, i) => {
    insert.run(location, i === 0 ? 99 : i);
  });
  database.exec('COMMIT');
  database.exec(more);
  database.close();
  return path;
}

/** SQL that gives the table settings as GDAL keeps them. */
const settings = (xml: string, table: string | null = 'tiles') => `
  INSERT INTO gpkg_metadata VALUES (1, 'dataset', 'http://gdal.org', 'text/xml',
    '<GDALMultiDomainMetadata>${xml}</GDALMultiDomainMetadata>');
  INSERT INTO gpkg_metadata_reference VALUES ('table', ${table === null ? 'NULL' : `'${table}'`}, 1);`;
const setting = (...pairs: [string, string][]) =>
  settings(`<Metadata>${pairs.map(([key, value]) => `<MDI key="${key}">${value}</MDI>`).join('')}</Metadata>`);

const names = async (path: string, allow: readonly string[] = []) =>
  (await readTileIndex(path, allow)).map((name) => name.replace(/^.*\//, ''));

describe.skipIf(!HAS_GDAL || found.includes(''))('a tile index that gdaltindex wrote', () => {
  it.each(['relative', 'absolute'])('with %s names, is a member whose last row lies on top', async (kind) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sheets'));
    for (const [i, path] of found.entries()) copyFileSync(path, join(folder, 'sheets', KOREA[i] ?? ''));
    const args = ['-f', 'GPKG', ...(kind === 'absolute' ? ['-write_absolute_path'] : []), 'index.gpkg'];
    const sheets = KOREA.map((name) => join('sheets', name));
    execFileSync('gdaltindex', [...args, ...sheets], { cwd: folder, stdio: 'ignore' });
    const [member] = await readMosaic([join(folder, 'index.gpkg')]);
    expect(member?.paths).toEqual(sheets.toReversed().map((name) => join(folder, name)));
    const [source, ...others] = await openSources(member?.paths ?? [], { hash: false });
    expect(others).toEqual([]);
    expect(source?.info.sheets).toHaveLength(3);
    await source?.close();
  });

  it('goes to rasters outside of its folder only where that is allowed', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'index.gpkg');
    execFileSync('gdaltindex', ['-f', 'GPKG', path, ...found], { stdio: 'ignore' });
    await expect(readMosaic([path])).rejects.toThrow(/--allow/);
    const [member] = await readMosaic([path], { allow: [testData('geotiff') ?? ''] });
    expect(member?.paths).toEqual(found.toReversed());
  });
});

describe('readTileIndex', () => {
  it('follows the field that GDAL sorts by, and the column that it names', async () => {
    const folder = temporaryFolder();
    expect(await names(index(folder, ['a.tif', 'b.tif', 'c.tif']))).toEqual(['c.tif', 'b.tif', 'a.tif']);
    const sorted = index(temporaryFolder(), ['a.tif', 'b.tif', 'c.tif'], setting(['SORT_FIELD', 'z']));
    expect(await names(sorted)).toEqual(['a.tif', 'c.tif', 'b.tif']);
    const down = setting(['SORT_FIELD', 'z'], ['SORT_FIELD_ASC', 'NO']);
    expect(await names(index(temporaryFolder(), ['a.tif', 'b.tif', 'c.tif'], down))).toEqual([
      'b.tif',
      'c.tif',
      'a.tif',
    ]);
    const renamed = `ALTER TABLE tiles ADD COLUMN path TEXT; UPDATE tiles SET path = 'p-' || location; ${setting(['LOCATION_FIELD', 'path'])}`;
    expect(await names(index(temporaryFolder(), ['a.tif'], renamed))).toEqual(['p-a.tif']);
  });

  it('lets no link lead out of its folder', async () => {
    const outside = temporaryFolder({ 'a.tif': 'x' });
    const folder = temporaryFolder();
    symlinkSync(join(outside, 'a.tif'), join(folder, 'link.tif'));
    symlinkSync(outside, join(folder, 'linked'));
    for (const name of ['link.tif', 'linked/a.tif', '../a.tif', '/etc/passwd', 'https://dem.example/a.tif']) {
      await expect(names(index(temporaryFolderIn(folder), [`../${name}`])), name).rejects.toThrow(/--allow/);
    }
    const path = index(folder, ['link.tif', 'linked/a.tif']);
    await expect(names(path)).rejects.toThrow(/--allow/);
    expect(await names(path, [outside])).toEqual(['a.tif', 'link.tif']);
  });

  it.each([
    ['no rows', [], '', /table "tiles" is empty/],
    ['a row without a name', ['a.tif', null], '', /names no file/],
    ['a name of a megabyte', ['x'.repeat(1e6)], '', /names no file/],
    ['no table of features', ['a.tif'], "UPDATE gpkg_contents SET data_type = 'tiles'", /this has none/],
    ['no contents', ['a.tif'], 'DROP TABLE gpkg_contents', /is no GeoPackage/],
    ['no column of locations', ['a.tif'], 'ALTER TABLE tiles RENAME COLUMN location TO path', /this has none/],
    [
      'a view that never ends',
      [],
      "DROP TABLE tiles; CREATE VIEW tiles AS WITH RECURSIVE n(location) AS (SELECT 'a' UNION ALL SELECT location || 'a' FROM n) SELECT * FROM n",
      /this has none/,
    ],
    [
      'a computed column',
      ['a.tif'],
      'DROP TABLE tiles; CREATE TABLE tiles (fid INTEGER PRIMARY KEY, location TEXT AS (hex(zeroblob(100000000)))); INSERT INTO tiles (fid) VALUES (1)',
      /this has none/,
    ],
    [
      'two tables',
      ['a.tif'],
      "CREATE TABLE more (location TEXT); INSERT INTO gpkg_contents VALUES ('more', 'features')",
      /several tables/,
    ],
    ['a field to sort by that is not there', ['a.tif'], setting(['SORT_FIELD', 'age']), /no column "age"/],
    ['a filter', ['a.tif'], setting(['FILTER', 'z > 1']), /a filter of its own/],
    [
      'settings as XML',
      ['a.tif'],
      settings('<Metadata domain="xml:GTI" format="xml"><GDALTileIndexDataset/></Metadata>'),
      /xml:GTI/,
    ],
    ['settings that are no XML', ['a.tif'], settings('<Metadata>'), /no well-formed XML/],
  ])('refuses %s in a sentence', async (_, locations, more, says) => {
    const error = await names(index(temporaryFolder(), locations, more)).catch((cause: Error) => cause);
    expect(error).toMatchObject({ name: 'RelievoError', code: 'input-invalid', message: expect.stringMatching(says) });
    expect((error as Error).message).toMatch(/^[^\p{Cc}]{20,600}$/u);
  });

  it.each([
    ['text', 'hello'],
    ['a database cut off', 'SQLite format 3\0 and no more'],
  ])('refuses %s', async (_, content) => {
    const folder = temporaryFolder({ 'x.gpkg': content });
    await expect(names(join(folder, 'x.gpkg'))).rejects.toMatchObject({ code: 'input-invalid' });
  });

  it('says which file is not there', async () => {
    await expect(readMosaic(['/nowhere/x.gpkg'])).rejects.toThrow(/x\.gpkg/);
  });
});

let made = 0;
/** A new folder below another. */
function temporaryFolderIn(folder: string): string {
  const path = join(folder, `below${made++}`);
  mkdirSync(path);
  return path;
}
