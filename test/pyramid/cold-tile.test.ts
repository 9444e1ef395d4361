/**
 * What a tile costs that nobody has made before: the samples that it asks of its sources, by level. Flat from the root to
 * the native level, and no coarse tile reads full resolution.
 */
import { expect, it } from 'vitest';
import { openRasterField } from '../../tiler/fields/raster-field.ts';
import { openTerrainField } from '../../tiler/fields/terrain-field.ts';
import { postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { bundledBasePath } from '../../tiler/sources/bundled-base.ts';
import { withOverviews } from '../../tiler/sources/decimate.ts';
import { openSource, openSources } from '../../tiler/sources/open-source.ts';
import { openPrepared } from '../../tiler/sources/prepared-source.ts';
import type { RasterSource } from '../../tiler/sources/raster-source.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { memorySource } from '../support/memory-source.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Samples asked of a source, by its level. */
interface Meter {
  readonly source: RasterSource;
  readonly byLevel: number[];
}

function metered(source: RasterSource): Meter {
  const byLevel: number[] = [];
  const read: RasterSource['read'] = (level, window, options) => {
    byLevel[level] = (byLevel[level] ?? 0) + window.columns * window.rows;
    return source.read(level, window, options);
  };
  return { source: { ...source, info: source.info, read }, byLevel };
}

it('costs about the same at every level, and coarse tiles read no full resolution', async () => {
  const folder = temporaryFolder();
  const [sheets] = await openSources(MAUI_SHEETS);
  if (!sheets) throw new Error('two sheets are a source');
  const prepared = openPrepared(sheets, { folder });
  await prepared.prepare();
  const base = await openSource([bundledBasePath()]);
  const [maui, world] = [metered(prepared), metered(base)];
  const field = await openRasterField(maui.source, geographic, { maxFill: 32 });
  const below = await openRasterField(world.source, geographic, { maxFill: 0, isBase: true });
  const table: { z: number; samples: number; ofBase: number }[] = [];
  for (let z = 0; z <= 14; z++) {
    // A fresh stage each time: nothing is left from the tile before.
    const terrain = openTerrainField([{ field }], { base: below, floor: 'sea-level' });
    maui.byLevel.length = 0;
    world.byLevel.length = 0;
    // The north-west corner of the data, where sea, land, voids and base meet.
    await terrain.read(postsOfTile(geographic, tileAt(z, -156.999, 20.999), 1));
    const sum = (levels: readonly number[]) => levels.reduce((all, one) => all + (one ?? 0), 0);
    table.push({ z, samples: sum(maui.byLevel), ofBase: sum(world.byLevel) });
    if (field.levelFor(z) > 0) expect(maui.byLevel[0] ?? 0, `level ${z}`).toBe(0);
  }
  await Promise.all([prepared.close(), base.close()]);
  // A little more than docs/design.md lists; a row that grows with the level would show at once.
  for (const { z, samples, ofBase } of table) {
    expect(samples, `level ${z}`).toBeLessThan(700_000);
    expect(ofBase, `level ${z}`).toBeLessThan(z < 2 ? 200_000 : 40_000);
  }
});

function tileAt(z: number, lon: number, lat: number): TileId {
  const side = 180 / 2 ** z;
  return { z, x: Math.floor((lon + 180) / side), y: Math.floor((90 - lat) / side) };
}

it('reads no more of a world below where the data end aslant', async () => {
  const base = metered(await openSource([bundledBasePath()]));
  const below = await openRasterField(base.source, geographic, { maxFill: 0, isBase: true });
  const raster = {
    columns: 900,
    rows: 900,
    affine: { a: 1 / 1200, b: 0, c: 10, d: 0, e: -1 / 1200, f: 47 },
    values: (column: number, row: number) => (column > row ? Number.NaN : 500),
  };
  const field = await openRasterField(withOverviews(memorySource(raster)), geographic, { maxFill: 32 });
  const terrain = openTerrainField([{ field }], { base: below, floor: 'sea-level' });
  for (const z of [8, 11]) {
    base.byLevel.length = 0;
    await terrain.read(postsOfTile(geographic, tileAt(z, 10.375, 46.625), 1));
    expect(
      base.byLevel.reduce((sum, one) => sum + (one ?? 0), 0),
      `level ${z}`,
    ).toBeLessThan(5000);
  }
  await base.source.close();
});
