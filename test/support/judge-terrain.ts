/**
 * Makes the tiles over a random terrain from prepared overviews, reads them back from their bytes with the verifier, and
 * gives in words whatever is wrong: mesh, borders, and the distance of every sample that is no void from the drawn surface.
 */
import { openRasterField, type RasterField } from '../../tiler/fields/raster-field.ts';
import { openTerrainField } from '../../tiler/fields/terrain-field.ts';
import { makeTile } from '../../tiler/pyramid/make-tile.ts';
import { openPrepared } from '../../tiler/sources/prepared-source.ts';
import { bordersOf, compareBorders } from '../../tiler/verify/check-border.ts';
import { checkDecoded } from '../../tiler/verify/check-tile.ts';
import { type DecodedTile, decodeTile } from '../../tiler/verify/decode.ts';
import { openTiling } from '../../tiler/verify/tiling.ts';
import { measureUnder, shownSamples } from './measure-samples.ts';
import { memorySource } from './memory-source.ts';
import type { RandomTerrain } from './random-terrain.ts';

const ELLIPSOIDAL = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;

export interface Judgement {
  readonly faults: readonly string[];
  /** Tiles whose certified error owns up to being beyond the client's bound, in words. */
  readonly told: readonly string[];
  /** How far from a border samples of those lie that are beyond it, at most, in 1/4096 of a tile's side. */
  readonly toldFromBorder: number;
  readonly samples: number;
  readonly vertices: number;
  readonly level: number;
  /** Greatest error by the client's bound. */
  readonly ratio: number;
}

/** `folder` takes what is prepared. */
export async function judgeTerrain(terrain: RandomTerrain, folder: string): Promise<Judgement> {
  const { seed, kind, placement, scheme, z, above, rasters, maxFill, tiles } = terrain;
  const tiling = openTiling(scheme.crs);
  const fields: RasterField[] = [];
  for (const [k, { heights, ...raster }] of rasters.entries()) {
    const name = `seed ${seed}, raster ${k}`;
    const memory = memorySource({ ...raster, values: heights, vertical: ELLIPSOIDAL, name, version: name });
    const source = openPrepared(memory, { folder });
    await source.prepare();
    fields.push(await openRasterField(source, scheme, { maxFill }));
  }
  const faults: string[] = [];
  const told: string[] = [];
  let toldFromBorder = 0;
  const bound = scheme.maxGeometricError(z);
  const level = fields[0].levelFor(z);
  const size = rasters.map(({ columns, rows }) => `${columns} x ${rows}`).join(' over ');
  const about = `seed ${seed} (${kind}, ${placement}, ${scheme.id}, ${size}, ${above} levels above native, overview ${level})`;
  const fault = (words: string) => faults.push(`${about}: ${words}`);
  const openLayer = () =>
    openTerrainField(
      fields.map((field) => ({ field })),
      { floor: 'ellipsoid' },
    );
  let samples = 0;
  let vertices = 0;
  let ratio = 0;
  const decoded = new Map<string, DecodedTile>();
  try {
    const shown = shownSamples(rasters, fields, openLayer());
    for (const id of tiles) {
      // Each by itself, as threads make them: one layer would keep a border for the neighbour.
      const layer = openLayer();
      const made = await makeTile(
        { field: layer, terrain: layer, scheme, extensions: ['octvertexnormals'], maxErrorFactor: 1 },
        id,
      );
      const name = `tile ${id.z}/${id.x}/${id.y}`;
      const { tile, faults: broken } = decodeTile(made.bytes);
      for (const { code, message } of broken) fault(`${name}: ${code}: ${message}`);
      if (tile === undefined) continue;
      for (const { code, message } of checkDecoded(tile, tiling.box(id))) {
        // Normals are those of the posts: cliffs and spikes between posts are no business of theirs.
        if (code !== 'normals-tilted') fault(`${name}: ${code}: ${message}`);
      }
      decoded.set(`${id.x},${id.y}`, tile);
      const { worst, at, fromBorder, count } = measureUnder(tile, tiling.box(id), shown);
      samples += count;
      vertices += made.vertices;
      ratio = Math.max(ratio, worst / bound);
      const certified = `certified ${made.maxSampleError} m, bound ${bound} m, ${made.vertices} vertices`;
      const isKept = worst <= made.maxSampleError + (worst > bound ? 0 : ROOM * bound);
      if (!isKept) fault(`${name}: ${at} lies ${worst} m from the surface; ${certified}`);
      else if (!(Math.max(worst, made.maxSampleError / (1 + ROOM)) <= bound)) {
        told.push(`${about}: ${name}: ${at} lies ${worst} m from the surface; ${certified}`);
        if (worst > bound) toldFromBorder = Math.max(toldFromBorder, fromBorder);
      }
    }
  } finally {
    await Promise.all(fields.map((field) => field.close()));
  }
  for (const { x, y } of tiles) {
    const here = bordersAt(x, y);
    const east = bordersAt((x + 1) % scheme.columns(z), y);
    const south = bordersAt(x, y + 1);
    const between = [
      ...(here && east ? compareBorders(here.east, east.west) : []),
      ...(here && south ? compareBorders(here.south, south.north) : []),
    ];
    for (const { code, message } of between) fault(`tile ${z}/${x}/${y}: ${code}: ${message}`);
  }
  return { faults, told, toldFromBorder, samples, vertices, level, ratio };

  function bordersAt(x: number, y: number) {
    const tile = decoded.get(`${x},${y}`);
    return tile && bordersOf(tile);
  }
}

/** Share of the bound by which what is certified may fall short: the mesh knows the Earth as a paraboloid. */
const ROOM = 0.04;
