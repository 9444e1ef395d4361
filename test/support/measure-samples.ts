/**
 * The samples of random rasters that a tile is to show as they are, and how far they lie from its drawn surface: along rows
 * where they lie on meridians and parallels, one by one where they do not.
 */

import type { RasterField } from '../../tiler/fields/raster-field.ts';
import type { TerrainField } from '../../tiler/fields/terrain-field.ts';
import { applyAffine } from '../../tiler/geo/affine.ts';
import { metresPerDegreeNorth } from '../../tiler/geo/ellipsoid.ts';
import { SIDE } from '../../tiler/mesh/border.ts';
import type { DecodedTile } from '../../tiler/verify/decode.ts';
import { forEachRun, heightInRun } from '../../tiler/verify/drawn-surface.ts';
import type { Sheet } from '../../tiler/verify/sheet.ts';
import type { TileBox } from '../../tiler/verify/tiling.ts';
import { TriangleFinder } from '../../tiler/verify/triangle-finder.ts';
import type { RandomRaster } from './random-terrain.ts';

/** Of one raster; NaN in `heights` where void, hidden or blended. With a sheet, places are its own. */
export interface ShownSamples {
  readonly columns: number;
  readonly heights: Float32Array;
  readonly sheet: Sheet | undefined;
  readonly lons: Float64Array;
  readonly lats: Float64Array;
}

export interface Measured {
  /** Metres; at which sample, in words; and how far that lies from the tile's nearest border, in 1/4096 of a side. */
  readonly worst: number;
  readonly at: string;
  readonly fromBorder: number;
  /** Samples under the tile. */
  readonly count: number;
}

/** `rasters` and `fields` as in `layer`, the one on top first. */
export function shownSamples(
  rasters: readonly RandomRaster[],
  fields: readonly RasterField[],
  layer: TerrainField,
): readonly ShownSamples[] {
  return rasters.map(({ columns, rows, affine, heights }, k) => {
    const { crs } = fields[k];
    const above = fields
      .slice(0, k)
      .map((field, i) => ({ field, samples: joinSamples(field, layer.featherMetres(i)) }));
    const isStraight = above.length === 0 && crs.geographic && affine.b === 0;
    if (isStraight) {
      const sheet: Sheet = {
        ...{ name: 'memory', west: affine.c, north: affine.f, stepX: affine.a, stepY: -affine.e },
        ...{ columns, rows, heights },
      };
      return { columns, heights, sheet, lons: new Float64Array(), lats: new Float64Array() };
    }
    const [lons, lats] = [new Float64Array(heights.length), new Float64Array(heights.length)];
    const shown = heights.map((height, at) => {
      [lons[at], lats[at]] = crs.inverse(applyAffine(affine, at % columns, Math.floor(at / columns)));
      return above.some(({ field, samples }) => isUnder(field, samples, lons[at], lats[at])) ? Number.NaN : height;
    });
    return { columns, heights: shown, sheet: undefined, lons, lats };
  });
}

/** How many samples beyond its rim a source still changes what lies below. */
function joinSamples({ info, maxFill }: RasterField, featherMetres: number): number {
  const spacing = info.spacingDegrees * metresPerDegreeNorth((info.bounds.south + info.bounds.north) / 2);
  return Math.max(maxFill, featherMetres / spacing) + 2;
}

function isUnder({ grid, source }: RasterField, room: number, lon: number, lat: number): boolean {
  const { columns, rows } = source.info.levels[0];
  return [-360, 0, 360].some((turn) => {
    const [column, row] = grid.placeExactly(lon + turn, lat);
    return column > -room && column < columns - 1 + room && row > -room && row < rows - 1 + room;
  });
}

export function measureUnder(tile: DecodedTile, box: TileBox, rasters: readonly ShownSamples[]): Measured {
  let worst = 0;
  let at = 'no sample';
  let fromBorder = 0;
  let count = 0;
  const finder = rasters.some(({ sheet }) => sheet === undefined) ? new TriangleFinder(tile, box) : undefined;
  for (const [index, { columns, heights, sheet, lons, lats }] of rasters.entries()) {
    const take = (k: number, drawn: number) => {
      if (Number.isNaN(heights[k]) || Number.isNaN(drawn)) return;
      count++;
      const error = Math.abs(drawn - heights[k]);
      if (error <= worst) return;
      worst = error;
      const [column, row] = [k % columns, Math.floor(k / columns)];
      const lon = sheet ? sheet.west + column * sheet.stepX : lons[k];
      const lat = sheet ? sheet.north - row * sheet.stepY : lats[k];
      fromBorder = positionsFromBorder(box, lon, lat);
      at = `sample ${column}, ${row} of raster ${index}, ${fromBorder.toFixed(1)} positions from a border,`;
    };
    if (sheet) {
      for (const turn of [-360, 0, 360]) {
        forEachRun(tile, box, sheet, turn, (run, table) => {
          for (let column = run.from; column < run.to; column++) {
            take(run.row * columns + column, heightInRun(run, table, column));
          }
        });
      }
    } else if (finder) for (let k = 0; k < heights.length; k++) take(k, finder.heightInSpace(lons[k], lats[k]));
  }
  return { worst, at, fromBorder, count };
}

function positionsFromBorder({ west, south, width, height }: TileBox, lon: number, lat: number): number {
  const east = lon - west - 360 * Math.round((lon - west - width / 2) / 360);
  const sides = [east / width, 1 - east / width, (lat - south) / height, 1 - (lat - south) / height];
  return SIDE * Math.min(...sides.map(Math.abs));
}
