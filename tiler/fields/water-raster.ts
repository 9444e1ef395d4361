/**
 * Water masks from a raster: nonzero samples are water, 0 is land, void says nothing. Coarse tiles read the share of water
 * from overviews made of that, whatever the file's own numbers mean; between samples the mask is linear. Pixels are placed
 * through the raster's CRS at nodes of a tile that its neighbours have too.
 */
import { createHash } from 'node:crypto';
import { resolveCrs } from '../geo/crs.ts';
import type { Places } from '../geo/places.ts';
import type { LonLatBox, TilingScheme } from '../geo/tiling-scheme.ts';
import type { PreparableSource } from '../sources/decimate.ts';
import type { RasterSource } from '../sources/raster-source.ts';
import { findCells, forEachNear, type Positions } from './cells.ts';
import { MASK_SIDE } from './polygon-cover.ts';
import { overlap } from './raster-field.ts';
import { openSourceGrid, type SourceGrid } from './source-grid.ts';
import { MASK_PIXELS, NOTHING_SAID, WATER_RULES, type WaterSource } from './water-source.ts';

/** The same raster with 255 for water and 0 for land, at full resolution only. */
export function marksOf(source: RasterSource): RasterSource {
  const { info, rows } = source;
  const mark = (samples: Float32Array): Float32Array => {
    for (let i = 0; i < samples.length; i++) {
      if (!Number.isNaN(samples[i])) samples[i] = samples[i] === 0 ? 0 : 255;
    }
    return samples;
  };
  const text = `${info.version} water ${WATER_RULES}`;
  const version = info.version === '' ? '' : createHash('sha256').update(text).digest('hex').slice(0, 32);
  return {
    info: { ...info, levels: info.levels.slice(0, 1), version, vertical: { ...info.vertical, unitMetres: 1 } },
    piece: source.piece,
    rows:
      rows &&
      async function* (options) {
        for await (const samples of rows(options)) yield mark(samples);
      },
    read: async (level, window, options) => mark(await source.read(level, window, options)),
    close: () => source.close(),
  };
}

/** `source`: marks, with overviews. */
export async function openRasterWater(source: PreparableSource, scheme: TilingScheme): Promise<WaterSource> {
  const { info } = source;
  const grid = openSourceGrid(info, await resolveCrs(info.crs), scheme);
  return {
    statement: { kind: 'raster', name: info.name, because: `Water is where the samples of ${info.name} are not 0.` },
    version: info.version,
    rasters: [{ source, levelFor }],
    async pixelsOf(_, id, { signal }) {
      const box = scheme.box(id);
      if (!overlap(box, grid.bounds)) return NOTHING_SAID;
      const level = levelFor(id.z);
      const cells = findCells(info, level, placePixels(grid, box), 1);
      const { window } = cells;
      if (window === undefined) return NOTHING_SAID;
      const samples = await source.read(level, window, { signal });
      const uniform = cells.complete ? samples[0] : Number.NaN;
      if ((uniform === 0 || uniform === 255) && samples.every((value) => value === uniform)) {
        return { water: uniform, weight: 255 };
      }
      const water = new Uint8Array(MASK_PIXELS);
      const weight = new Uint8Array(MASK_PIXELS);
      forEachNear(cells, window, (at, p, fx, fy) => {
        const { columns } = window;
        const nearest = samples[p + (fx >= 0.5 ? 1 : 0) + (fy >= 0.5 ? columns : 0)];
        if (Number.isNaN(nearest)) return;
        weight[at] = 255;
        water[at] = Math.round(meanOfKnown(samples, p, columns, fx, fy));
      });
      return weight.includes(255) ? { water, weight } : NOTHING_SAID;
    },
    close: () => source.close(),
  };

  /** The coarsest level whose samples lie no further apart than the pixels. */
  function levelFor(z: number): number {
    const { north, south } = scheme.box({ z, x: 0, y: Math.floor(scheme.rows(z) / 2) });
    const ratio = (north - south) / MASK_SIDE / grid.spacingDegrees;
    return Math.max(
      0,
      info.levels.findLastIndex(({ scaleX, scaleY }) => Math.max(scaleX, scaleY) <= ratio * (1 + 1e-6)),
    );
  }
}

/** Bilinear among the samples that are not void; the nearest is none. */
function meanOfKnown(samples: Float32Array, p: number, columns: number, fx: number, fy: number): number {
  let [sum, weights] = [0, 0];
  for (let k = 0; k < 4; k++) {
    const [east, south] = [k & 1, k >> 1];
    const value = samples[p + east + south * columns];
    if (Number.isNaN(value)) continue;
    const weight = (east === 1 ? fx : 1 - fx) * (south === 1 ? fy : 1 - fy);
    sum += weight * value;
    weights += weight;
  }
  return sum / weights;
}

/** Error of interpolated positions in level-0 samples, at most, at the places tried. */
const MAX_ERROR = 0.05;

/** Where the centres of a box's pixels lie in the raster; nodes lie at whole fractions of the box's sides. */
function placePixels(grid: SourceGrid, box: LonLatBox): Positions {
  if (grid.asStored) return grid.placeAll(placesIn(box, MASK_SIDE, 0.5));
  for (let cells = 16; cells < MASK_SIDE / 2; cells *= 2) {
    const nodes = grid.placeAll(placesIn(box, cells + 1, 0));
    if (nodes.columns.every(Number.isNaN)) return newPositions();
    if (isExact(nodes, grid.placeAll(placesIn(box, cells, 0.5)), cells)) return interpolateNodes(nodes, cells);
  }
  return grid.placeAll(placesIn(box, MASK_SIDE, 0.5));
}

/** `count` places a side: the corners and what lies evenly between (`shift` 0), or the middles of as many cells (0.5). */
function placesIn({ west, east, south, north }: LonLatBox, count: number, shift: number): Places {
  const cells = shift === 0 ? count - 1 : count;
  const lons = Float64Array.from({ length: count }, (_, i) => west + ((i + shift) / cells) * (east - west));
  const lats = Float64Array.from({ length: count }, (_, j) => north - ((j + shift) / cells) * (north - south));
  return { across: count, down: count, parallel: true, lons, lats };
}

function isExact(nodes: Positions, middles: Positions, cells: number): boolean {
  for (let k = 0; k < cells * cells; k++) {
    const p = Math.floor(k / cells) * (cells + 1) + (k % cells);
    for (const axis of ['columns', 'rows'] as const) {
      const at = nodes[axis];
      const mean = (at[p] + at[p + 1] + at[p + cells + 1] + at[p + cells + 2]) / 4;
      if (!(Math.abs(mean - middles[axis][k]) <= MAX_ERROR)) return false;
    }
  }
  return true;
}

function interpolateNodes(nodes: Positions, cells: number): Positions {
  const out = newPositions();
  const perCell = MASK_SIDE / cells;
  for (let row = 0, to = 0; row < MASK_SIDE; row++) {
    const j = Math.floor(row / perCell);
    const fy = (row + 0.5) / perCell - j;
    for (let column = 0; column < MASK_SIDE; column++, to++) {
      const i = Math.floor(column / perCell);
      const fx = (column + 0.5) / perCell - i;
      const p = j * (cells + 1) + i;
      for (const axis of ['columns', 'rows'] as const) {
        const at = nodes[axis];
        const north = at[p] * (1 - fx) + at[p + 1] * fx;
        const south = at[p + cells + 1] * (1 - fx) + at[p + cells + 2] * fx;
        out[axis][to] = north * (1 - fy) + south * fy;
      }
    }
  }
  return out;
}

/** All of them nowhere. */
function newPositions(): Positions {
  return {
    across: MASK_SIDE,
    down: MASK_SIDE,
    parallel: false,
    columns: new Float64Array(MASK_PIXELS).fill(Number.NaN),
    rows: new Float64Array(MASK_PIXELS).fill(Number.NaN),
  };
}
