/**
 * Holds tiles as they are written against full-resolution samples of their sources: those of the chosen windows, or all.
 * Tiles are decoded and looked at by the verifier's own code, which shares none with what made them.
 */
import { RelievoError } from '../error.ts';
import { type FullSamples, readFullSamples } from '../fields/full-samples.ts';
import { overlap } from '../fields/raster-field.ts';
import { openPlacer } from '../fields/source-cells.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { RADIANS_PER_DEGREE } from '../geo/ellipsoid.ts';
import { Origin, postsOfTile, TILE_CELLS } from '../geo/post-grid.ts';
import type { LonLatBox, TileId, TilingScheme } from '../geo/tiling-scheme.ts';
import { latticeCells } from '../mesh/curvature.ts';
import type { ReadOptions, SampleWindow } from '../sources/raster-source.ts';
import { touchesSheets } from '../sources/sheet-index.ts';
import { decodePlainTile } from '../verify/decode.ts';
import { openSightLines, type SightLines } from '../verify/sight-lines.ts';
import { TriangleFinder } from '../verify/triangle-finder.ts';
import { type ErrorSketch, TileErrors } from './error-sketch.ts';
import { chooseWindows } from './sample-windows.ts';

/** Which samples: chosen ones, or all. */
export type MeasureKind = 'sample' | 'exact';

/** Adds the errors of one tile (quantized-mesh, uncompressed) to those of its level. */
export type MeasureTile = (id: TileId, bytes: Uint8Array, sketch: ErrorSketch, options?: ReadOptions) => Promise<void>;

interface Layer {
  readonly field: TerrainField;
  readonly scheme: TilingScheme;
}

export function openMeasure({ field, scheme }: Layer, kind: MeasureKind): MeasureTile {
  const partsOf = kind === 'exact' ? allSamples(field, scheme) : chosenSamples(field);
  return async (id, bytes, sketch, options = {}) => {
    const box = scheme.box(id);
    const errors = new TileErrors(sketch, scheme.maxGeometricError(id.z));
    let surface: TriangleFinder | undefined;
    for await (const { spots, weight } of partsOf(id, withBulge(box, scheme, id.z), options)) {
      surface ??= openSurface(id, bytes, box);
      for (let k = 0; k < spots.heights.length; k++) {
        const drawn = hasLongitude(box, spots.lons[k]) ? surface.heightAlong(spots, k) : Number.NaN;
        if (!Number.isNaN(drawn)) errors.add(drawn - spots.heights[k], weight);
      }
    }
    errors.close();
  };
}

/** The tile as clients draw it. */
function openSurface({ z, x, y }: TileId, bytes: Uint8Array, { west, south, east, north }: LonLatBox): TriangleFinder {
  const { tile, faults } = decodePlainTile(bytes);
  if (tile === undefined || faults.length > 0) {
    const message = `a tile that was just made cannot be decoded: ${faults.map((fault) => fault.message).join('; ')}`;
    throw new RelievoError('internal', message, { where: `${z}/${x}/${y}` });
  }
  return new TriangleFinder(tile, { west, south, width: east - west, height: north - south });
}

/** On a border between west and east the eastern tile has the place. */
function hasLongitude({ west, east }: LonLatBox, lon: number): boolean {
  const turned = lon - 360 * Math.round((lon - (west + east) / 2) / 360);
  return turned >= west && turned < east;
}

/** With as much to the north and south as drawn sides may bulge over it. */
function withBulge(box: LonLatBox, scheme: TilingScheme, z: number): LonLatBox {
  const side = (box.east - box.west) / latticeCells(scheme, z, TILE_CELLS);
  const bulge = (side * side * RADIANS_PER_DEGREE) / 12;
  return { ...box, south: box.south - bulge, north: box.north + bulge };
}

type Spots = FullSamples & SightLines;

interface Part {
  readonly spots: Spots;
  readonly weight: number;
}

type PartsOf = (id: TileId, box: LonLatBox, options: ReadOptions) => AsyncGenerator<Part>;

/** Windows are read once, when the first tile needs them, and kept. */
function chosenSamples(field: TerrainField): PartsOf {
  const windows = chooseWindows(field);
  const read = new Map<number, Spots>();
  return async function* (_, box, options) {
    for (const [k, { member, window, weight, box: own }] of windows.entries()) {
      if (!overlap(own, box)) continue;
      const spots = read.get(k) ?? openSightLines(await readFullSamples(field, member, window, options));
      read.set(k, spots);
      yield { spots, weight };
    }
  };
}

/** Samples along a side of what is read at a time. */
const PIECE = 256;

function allSamples(field: TerrainField, scheme: TilingScheme): PartsOf {
  return async function* (id, box, options) {
    for (const [index, member] of field.members.entries()) {
      if (member.dataOrigin === Origin.base || field.touches(index, box, id.z) === 'none') continue;
      const window = openPlacer(member, postsOfTile(scheme, id, 0)).windowOf(0);
      if (window === undefined) continue;
      const bulge = box.north - scheme.box(id).north;
      const { info } = member.source;
      for (const piece of piecesOf(grown(window, Math.ceil(bulge / member.info.spacingDegrees), info.periodColumns))) {
        if (!touchesSheets(info, piece)) continue;
        options.signal?.throwIfAborted();
        yield { spots: openSightLines(await readFullSamples(field, index, piece, options)), weight: 1 };
      }
    }
  };
}

/** Each sample once: once round the world is all there is. */
function grown({ column, row, columns, rows }: SampleWindow, by: number, periodColumns = Infinity): SampleWindow {
  return {
    column: column - by,
    row: row - by,
    columns: Math.min(columns + 2 * by, periodColumns),
    rows: rows + 2 * by,
  };
}

function* piecesOf({ column, row, columns, rows }: SampleWindow): Generator<SampleWindow> {
  for (let top = 0; top < rows; top += PIECE) {
    for (let left = 0; left < columns; left += PIECE) {
      yield {
        column: column + left,
        row: row + top,
        columns: Math.min(PIECE, columns - left),
        rows: Math.min(PIECE, rows - top),
      };
    }
  }
}
