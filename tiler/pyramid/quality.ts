/** What a build learnt of its tiles' errors, as the document that goes beside layer.json. */
import type { LayerJson } from '../catalog/layer-json.ts';
import { schemeOf } from '../catalog/layer-json.ts';
import { type LevelQuality, QUALITY_SCHEMA, type QualityJson, type QualitySample } from '../catalog/quality-json.ts';
import type { TerrainField } from '../fields/terrain-field.ts';
import { figuresOf } from './error-sketch.ts';
import type { LevelReport } from './level-report.ts';
import type { MeasureKind } from './measure-tiles.ts';
import { chooseWindows, SEED, WINDOW_SIDE } from './sample-windows.ts';

/** Known before the first tile. */
export interface QualityHead {
  readonly source: QualityJson['source'];
  readonly sample: QualitySample;
}

export function beginQuality(field: TerrainField, measure: MeasureKind | undefined): QualityHead {
  const { name, version } = field.info;
  return { source: { name, version }, sample: describeSample(field, measure) };
}

function describeSample(field: TerrainField, measure: MeasureKind | undefined): QualitySample {
  const which =
    'Without those that are void, hidden by a higher source, feathered or made level, and without the base.';
  if (measure === undefined) return { kind: 'none' };
  if (measure === 'exact') {
    return { kind: 'exact', how: `All full-resolution samples of all sources under the tiles of a level. ${which}` };
  }
  return {
    kind: 'sample',
    how: `Windows of ${WINDOW_SIDE} x ${WINDOW_SIDE} full-resolution samples, the same for all levels: all samples of all sources are cut into as many equal parts as there are windows, and one window is picked at random in each part, by a fixed seed. All samples of the windows that lie under the tiles of a level count, so that a tile counts by the samples under it. ${which}`,
    seed: SEED,
    windows: chooseWindows(field).length,
    windowSide: WINDOW_SIDE,
  };
}

/** How tiles are stored, in words. */
export interface StoredForm {
  readonly bytes: string;
  /** A sentence with a space before it, or nothing. */
  readonly rounding: string;
}

const QUANTIZED_MESH: StoredForm = { bytes: 'bytes of the files as they are stored (gzip)', rounding: '' };

/** The grid that GLBs are rounded to has 240 steps in the bound of a level (encode/glb-positions.ts). */
export const GLB_FORM: StoredForm = {
  bytes: 'bytes of the GLB files, before an archive packs them',
  rounding:
    ' Of the quantized-mesh tile that the GLB is made from: its positions are then rounded once more, by about 1/480 of the bound on each axis of ECEF, or in the profile gis to single precision.',
};

export function writeQuality(
  { source, sample }: QualityHead,
  document: LayerJson,
  reports: readonly LevelReport[],
  { bytes, rounding }: StoredForm = QUANTIZED_MESH,
): QualityJson {
  const { generator, maxErrorFactor } = document.relievo;
  const scheme = schemeOf(document);
  const levels = reports.map((report) => describeLevel(report, scheme.maxGeometricError(report.z), sample));
  const ratios = levels.flatMap(({ maxErrorRatio }) => maxErrorRatio ?? []);
  return {
    schema: QUALITY_SCHEMA,
    generator,
    layer: { version: document.version, scheme: scheme.id, extensions: document.extensions, maxErrorFactor },
    source,
    units: { error: 'metres', bytes },
    meaning: {
      error: `Distance along the vertical (the normal of the WGS84 ellipsoid) between a full-resolution sample of a source and the surface as clients draw it: the triangles of the tile as written, flat in space.${rounding}`,
      bound: 'The error that clients assume of the level when they decide whether to ask for the next one.',
      maxError:
        'A certified upper bound: no full-resolution sample under the tiles of the level has a greater error. Null where nothing tells what the overviews that the tiles were made from leave out.',
      measured: 'From the samples told under "sample". mean: drawn minus source.',
    },
    sample,
    certified: levels.every(({ certified }) => certified),
    maxErrorRatio: ratios.length > 0 ? Math.max(...ratios) : null,
    levels,
  };
}

function describeLevel(
  { z, tiles, bytes, triangles, maxSampleError, errors }: LevelReport,
  bound: number,
  { kind }: QualitySample,
): LevelQuality {
  const figures = errors && figuresOf(errors, bound);
  return {
    level: z,
    tiles,
    bytes,
    triangles,
    bound: rounded(bound),
    certified: maxSampleError !== null,
    maxError: maxSampleError === null ? null : roundedUp(maxSampleError),
    maxErrorRatio: maxSampleError === null ? null : roundedUp(maxSampleError / bound),
    ...(errors &&
      figures && {
        measured: {
          tiles: errors.tiles,
          samples: errors.samples,
          p99: rounded(figures.p99),
          rms: rounded(figures.rms),
          mean: rounded(figures.mean),
          ...(kind === 'exact' && { max: rounded(errors.max) }),
        },
      }),
  };
}

/** Digits that are worth writing. */
const DIGITS = 6;

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

/** A bound must not become smaller. */
function roundedUp(value: number): number {
  const near = rounded(value);
  return near >= value ? near : rounded(value * (1 + 10 ** (1 - DIGITS)));
}
