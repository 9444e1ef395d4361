/**
 * Makes the tiles over a random terrain from prepared overviews, reads them back from their bytes with the verifier, and
 * gives in words whatever is wrong: mesh, borders, and the distance of every sample that is no void from the drawn surface.
 */
import { openRasterField } from '../../tiler/fields/raster-field.ts';
import { openTerrainField } from '../../tiler/fields/terrain-field.ts';
import { makeTile } from '../../tiler/pyramid/make-tile.ts';
import { openPrepared } from '../../tiler/sources/prepared-source.ts';
import { bordersOf, compareBorders } from '../../tiler/verify/check-border.ts';
import { checkDecoded } from '../../tiler/verify/check-tile.ts';
import { type DecodedTile, decodeTile } from '../../tiler/verify/decode.ts';
import { forEachRun, heightInRun } from '../../tiler/verify/drawn-surface.ts';
import type { Sheet } from '../../tiler/verify/sheet.ts';
import { openTiling, type Tiling } from '../../tiler/verify/tiling.ts';
import { memorySource } from './memory-source.ts';
import type { RandomTerrain } from './random-terrain.ts';

const ELLIPSOIDAL = { datum: 'ellipsoid', known: 'file', unitMetres: 1, unit: 'metre', because: 'test' } as const;

export interface Judgement {
  readonly faults: readonly string[];
  readonly samples: number;
  readonly vertices: number;
  readonly level: number;
  /** Greatest error by the client's bound. */
  readonly ratio: number;
}

/** `folder` takes what is prepared. */
export async function judgeTerrain(terrain: RandomTerrain, folder: string): Promise<Judgement> {
  const { seed, kind, scheme, z, above, columns, rows, affine, heights, maxFill, tiles } = terrain;
  const tiling = openTiling(scheme.crs);
  const memory = memorySource({
    columns,
    rows,
    affine,
    values: heights,
    vertical: ELLIPSOIDAL,
    version: `seed ${seed}`,
  });
  const source = openPrepared(memory, { folder });
  await source.prepare();
  const field = await openRasterField(source, scheme, { maxFill });
  const faults: string[] = [];
  const bound = scheme.maxGeometricError(z);
  const level = field.levelFor(z);
  const about = `seed ${seed} (${kind}, ${scheme.id}, ${columns} x ${rows}, ${above} levels above native, overview ${level})`;
  const fault = (words: string) => faults.push(`${about}: ${words}`);
  const sheet: Sheet = {
    ...{ name: 'memory', west: affine.c, north: affine.f, stepX: affine.a, stepY: -affine.e },
    ...{ columns, rows, heights },
  };
  let samples = 0;
  let vertices = 0;
  let ratio = 0;
  const decoded = new Map<string, DecodedTile>();
  try {
    for (const id of tiles) {
      // Each by itself, as threads make them: one layer would keep a border for the neighbour.
      const layer = openTerrainField([{ field }], { floor: 'ellipsoid' });
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
      const { worst, at, count } = measure(tile, tiling, id, sheet);
      samples += count;
      vertices += made.vertices;
      ratio = Math.max(ratio, worst / bound);
      const place = `sample ${at % columns}, ${Math.floor(at / columns)}`;
      const certified = `certified ${made.maxSampleError} m, bound ${bound} m, ${made.vertices} vertices`;
      if (!(worst <= bound)) fault(`${name}: ${place} lies ${worst} m from the surface; ${certified}`);
      else if (!(worst <= made.maxSampleError + ROOM * bound)) fault(`${name}: ${place}: ${worst} m, ${certified}`);
      if (!(made.maxSampleError <= bound * (1 + ROOM))) fault(`${name}: ${certified}`);
    }
  } finally {
    await field.close();
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
  return { faults, samples, vertices, level, ratio };

  function bordersAt(x: number, y: number) {
    const tile = decoded.get(`${x},${y}`);
    return tile && bordersOf(tile);
  }
}

/** Share of the bound by which what is certified may fall short: the mesh knows the Earth as a paraboloid. */
const ROOM = 0.04;

function measure(tile: DecodedTile, tiling: Tiling, id: RandomTerrain['tiles'][number], sheet: Sheet) {
  const box = tiling.box(id);
  let worst = 0;
  let at = -1;
  let count = 0;
  for (const turn of [-360, 0, 360]) {
    forEachRun(tile, box, sheet, turn, (run, table) => {
      for (let column = run.from; column < run.to; column++) {
        const k = run.row * sheet.columns + column;
        const height = sheet.heights[k];
        if (Number.isNaN(height)) continue;
        count++;
        const error = Math.abs(heightInRun(run, table, column) - height);
        if (error > worst) [worst, at] = [error, k];
      }
    });
  }
  return { worst, at, count };
}
