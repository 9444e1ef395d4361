/**
 * The heights of a layer: fields in order of priority, each laid over those below it, and under all of them sea level, the
 * ellipsoid, or the bundled relief of the world as one more field.
 */
import { createHash } from 'node:crypto';
import { metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import { egm96, undulationsAt } from '../geo/geoid.ts';
import { countPlaces, type Places, placeOf, placesOfPosts } from '../geo/places.ts';
import { Origin, type PostGrid, TILE_CELLS } from '../geo/post-grid.ts';
import { type LonLatBox, nativeLevel } from '../geo/tiling-scheme.ts';
import type { FlattenArea } from '../sources/flatten-areas.ts';
import type { ReadOptions, SheetWindow } from '../sources/raster-source.ts';
import { sheetsTouching } from '../sources/sheet-index.ts';
import { FilledBlocks, type Stage } from './filled-sheet.ts';
import { type FlatShare, type FlatSurface, identityOf, layFlat, openFlat } from './flatten.ts';
import type { DatumStatement, GroundShare, HeightField, HeightFieldInfo, Surface, Touch } from './height-field.ts';
import { layOver } from './lay-over.ts';
import { enclosingArc } from './raster-extent.ts';
import { type Feather, nearStage, overlap, planFeather, type RasterField, touchOf } from './raster-field.ts';

/** What lies where there is nothing: mean sea level, or the ellipsoid itself. */
export type Floor = 'sea-level' | 'ellipsoid';

export interface Member {
  readonly field: RasterField;
  /** Over how far the join to what lies below is spread, in metres; by default chosen from the spacings. */
  readonly featherMetres?: number | undefined;
}

export interface TerrainFieldOptions {
  /** The bundled relief of the world, below all members. */
  readonly base?: RasterField | undefined;
  /** Below everything. */
  readonly floor: Floor;
  /** Made level over everything, later ones over earlier ones. */
  readonly flats?: readonly FlattenArea[] | undefined;
}

/** What one source gives to the height at a place. */
export interface Contributor {
  readonly field: RasterField;
  /** How much of the height rests on its samples: the shares of all contributors, flats and the floor add up to 1. */
  readonly share: number;
  /** Metres that its difference to what lies below, carried on beyond its data, adds. */
  readonly difference: number;
  /** Metres that the source's own geoid adds here; 0 when its heights are ellipsoidal, NaN where it ends. */
  readonly geoidHeight: number;
  /** Level-0 sample indices, fractional; NaN when the CRS has none here. */
  readonly column: number;
  readonly row: number;
  readonly sheet: SheetWindow | undefined;
  /** Stored values north-west, north-east, south-west, south-east of the place, in the file's unit; NaN is void. */
  readonly raw: readonly number[];
}

/** Everything about the height at one place, as the tiler sees it at the sources' full resolution. */
export interface HeightSample {
  /** Metres above the ellipsoid. */
  readonly height: number;
  /** Geoid above ellipsoid, metres: `height - undulation` is above sea level. */
  readonly undulation: number;
  readonly origin: Origin;
  /** The one on top first; none where there is only the floor. */
  readonly contributors: readonly Contributor[];
  /** Areas made level that have a share in it, the one on top first. */
  readonly flats: readonly FlatShare[];
  /** Share of the floor, 0..1. */
  readonly floorShare: number;
}

export interface TerrainField extends HeightField, Surface {
  /** The one on top first; without the base. */
  readonly members: readonly RasterField[];
  readonly base: RasterField | undefined;
  readonly floor: Floor;
  /** Whether data of a member can change a height in a box in a way that tiles below level z would show. */
  touches(member: number, box: LonLatBox, z: number): Touch;
  /** Whether any member reads a level of tiles from something coarser than its own samples. */
  readsOverview(z: number): boolean;
  /** Metres over which the join of a member to what lies below it is spread. */
  featherMetres(member: number): number;
  /** What is made level over everything. */
  readonly flats: Pick<FlatSurface, 'areas' | 'heightOf'>;
  /** Whether an area made level, or the band round it, can change a height in a box. Never wrongly false. */
  flattens(box: LonLatBox): boolean;
  sampleAt(lon: number, lat: number, options?: ReadOptions): Promise<HeightSample>;
}

/** Finer than any source: a level that is read at full resolution. */
const FINEST = 40;

export function openTerrainField(
  members: readonly Member[],
  { base, floor, flats = [] }: TerrainFieldOptions,
): TerrainField {
  const stack = members.map(({ field }) => field);
  const below = base ? [...stack, base] : stack;
  const feathers = members.map((member, i) => planFeather(member.field, featherSamples(member, below.slice(i + 1))));
  if (base) feathers.push(planFeather(base, base.maxFill));
  const seaLevel = egm96();
  const sources = below.reduceRight<Surface>(
    (lower, field, index) => surfaceOf(field, feathers[index], index, lower),
    floorSurface(floor),
  );
  const levelled = flats.map((area) => openFlat(area, (box) => finestSpacing(stack, box)));
  const top = layFlat(levelled, sources);
  return {
    info: describeStack(members, feathers, base, floor, levelled.map(identityOf)),
    members: stack,
    base,
    floor,
    groundAt: (places, z, options) => top.groundAt(places, z, options),
    read,
    touches: (member, box, z) => touchOf(stack[member], feathers[member], box, z),
    readsOverview: (z) => stack.some((field) => field.levelFor(z) > 0),
    featherMetres: (member) => (feathers[member].samples / 2) * spacingMetres(stack[member]),
    flats: top,
    flattens: top.changes,
    sampleAt,
    async close() {
      await Promise.all(below.map((field) => field.close()));
    },
  };

  async function read(posts: PostGrid, { signal }: ReadOptions = {}) {
    const places = placesOfPosts(posts);
    const { heights, origin } = await top.groundAt(places, posts.z, { signal });
    return { posts, heights: Float32Array.from(heights), undulation: seaLevel.fill(places.lons, places.lats), origin };
  }

  async function sampleAt(lon: number, lat: number, { signal }: ReadOptions = {}): Promise<HeightSample> {
    const shares: GroundShare[] = [];
    const place = placeOf(lon, lat);
    const onShare = (share: GroundShare) => shares.push(share);
    const { heights, origin } = await top.groundAt(place, FINEST, { signal, onShare });
    const levels = await top.sharesAt(place.lons[0], place.lats[0], signal);
    let left = levels.reduce((rest, { share }) => rest - share, 1);
    const found = new Map<number, { share: number; difference: number }>();
    for (const { field, share, difference } of shares) {
      if (left <= 0) break;
      if (field === undefined || (share === 0 && difference === 0)) continue;
      const before = found.get(field) ?? { share: 0, difference: 0 };
      found.set(field, { share: before.share + left * share, difference: before.difference + left * difference });
      left *= 1 - share;
    }
    const contributors = await Promise.all(
      [...found].map(([index, parts]) => describeContributor(below[index], parts, lon, lat)),
    );
    const undulation = seaLevel.at(lon, lat);
    return {
      height: heights[0],
      undulation,
      origin: origin[0] as Origin,
      contributors,
      flats: levels,
      floorShare: Math.max(0, left),
    };
  }
}

function surfaceOf(field: RasterField, feather: Feather, index: number, lower: Surface): Surface {
  const { wide } = feather;
  const far = wide && wideSurface(field, wide, index, lower);
  /** By level of tiles, the one used last at the end. */
  const stages = new Map<number, { stage: Stage; below: Surface; blocks: FilledBlocks }>();
  return {
    groundAt(places, z, options) {
      const { stage, below, blocks } = stageOf(z);
      return layOver(field, stage, places, z, below, { ...options, index, blocks });
    },
  };

  function stageOf(z: number) {
    const known = stages.get(z);
    stages.delete(z);
    const stage = known?.stage ?? nearStage(field, feather, z);
    const below = far && wide && wide.level > stage.level ? far : lower;
    const here = known ?? { stage, below, blocks: new FilledBlocks(field, stage, below, z) };
    stages.set(z, here);
    const [oldest] = stages.keys();
    if (stages.size > MAX_STAGES) stages.delete(oldest);
    return here;
  }
}

/** Levels of tiles for which filled blocks are kept at a time. */
const MAX_STAGES = 4;

/** The stage of a wide feather, whose few samples serve many tiles. */
function wideSurface(field: RasterField, stage: Stage, index: number, lower: Surface): Surface {
  const { scaleX, scaleY } = field.source.info.levels[stage.level];
  const z = nativeLevel(field.scheme, field.info.spacingDegrees * Math.min(scaleX, scaleY), TILE_CELLS);
  const blocks = new FilledBlocks(field, stage, lower, z);
  return {
    groundAt: (places, level, options) => layOver(field, stage, places, level, lower, { ...options, index, blocks }),
  };
}

function floorSurface(floor: Floor): Surface {
  return {
    async groundAt(places: Places, _z, { onShare } = {}) {
      onShare?.({ field: undefined, level: 0, share: 1, difference: 0, origin: Origin.outside });
      const origin = new Uint8Array(countPlaces(places)).fill(Origin.outside);
      if (floor === 'ellipsoid') return { heights: new Float64Array(origin.length), origin };
      return { heights: Float64Array.from(undulationsAt(egm96(), places)), origin };
    },
  };
}

/**
 * Twice the width of the join in samples. By default at least what is filled anyway, and wide enough for two samples of
 * the next source below that lies under this one: two surfaces are compared at the resolution of the coarser.
 */
function featherSamples({ field, featherMetres }: Member, lower: readonly RasterField[]): number {
  if (featherMetres !== undefined) return (2 * featherMetres) / spacingMetres(field);
  const next = lower.find((other) => overlap(other.info.bounds, field.info.bounds));
  if (next === undefined || field.maxFill === 0) return field.maxFill;
  const wanted = (4 * next.info.spacingDegrees) / field.info.spacingDegrees;
  // A little wider than what is filled anyway is not worth a second stage.
  return wanted > 1.5 * field.maxFill ? wanted : field.maxFill;
}

/** Metres between samples of the finest source that reaches into a box; of the finest of all where none does. */
function finestSpacing(fields: readonly RasterField[], box: LonLatBox): number {
  const there = fields.filter(({ info }) => overlap(box, info.bounds));
  return Math.min(...(there.length > 0 ? there : fields).map(spacingMetres));
}

function spacingMetres({ info }: RasterField): number {
  return info.spacingDegrees * metresPerDegreeNorth((info.bounds.south + info.bounds.north) / 2);
}

async function describeContributor(
  field: RasterField,
  parts: { readonly share: number; readonly difference: number },
  lon: number,
  lat: number,
): Promise<Contributor> {
  const { source, grid, datum } = field;
  const [column, row] = grid.placeExactly(lon, lat);
  const placed = Number.isFinite(column) && Number.isFinite(row);
  const window = { column: Math.floor(column), row: Math.floor(row), columns: 2, rows: 2 };
  const here = { column: Math.round(column), row: Math.round(row), columns: 1, rows: 1 };
  return {
    field,
    ...parts,
    geoidHeight: datum.sourceGeoid?.at(lon, lat) ?? 0,
    column,
    row,
    sheet: placed ? sheetsTouching(source.info, here)[0] : undefined,
    raw: placed ? Array.from(await source.read(0, window)) : [],
  };
}

function describeStack(
  members: readonly Member[],
  feathers: readonly Feather[],
  base: RasterField | undefined,
  floor: Floor,
  flats: readonly unknown[],
): HeightFieldInfo {
  const fields = members.map(({ field }) => field);
  const [first] = fields;
  const [only] = fields.length === 1 ? fields : [];
  const versions = [...fields, ...(base ? [base] : [])].map(({ info }) => info.version);
  const known = versions.every((version) => version !== '');
  const identity = [versions, feathers, base ? 'base' : floor, ...(flats.length > 0 ? [flats] : [])];
  const attributions = fields.flatMap(({ info }) => info.attribution ?? []);
  return {
    name: only ? first.info.name : `${fields.length} sources: ${namesOf(fields)}`,
    bounds: only ? first.info.bounds : joinBounds(fields.map(({ info }) => info.bounds)),
    spacingDegrees: Math.min(...fields.map(({ info }) => info.spacingDegrees)),
    version: known ? createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32) : '',
    datum: joinDatums(fields.map(({ datum }) => datum.statement)),
    attribution: [...new Set(attributions)].join('; ') || undefined,
  };
}

const NAMES_SHOWN = 4;

function namesOf(fields: readonly RasterField[]): string {
  const names = fields.slice(0, NAMES_SHOWN).map(({ info }) => info.name);
  return `${names.join(', ')}${fields.length > NAMES_SHOWN ? ', ...' : ''}`;
}

function joinBounds(boxes: readonly LonLatBox[]): LonLatBox {
  const ends = boxes.flatMap(({ west, east }) => [west, (west + east) / 2, east]);
  const south = Math.min(...boxes.map((box) => box.south));
  const north = Math.max(...boxes.map((box) => box.north));
  if (boxes.some(({ west, east }) => east - west >= 360)) return { west: -180, east: 180, south, north };
  return { ...enclosingArc(ends), south, north };
}

/** One statement for several sources: that of all, or one that names them, known no better than the least certain. */
function joinDatums(statements: readonly DatumStatement[]): DatumStatement {
  const [first] = statements;
  if (statements.every(({ source, known }) => source === first.source && known === first.known)) return first;
  const names = [...new Set(statements.map(({ name, source }) => name ?? source))];
  const geoids = [...new Set(statements.map(({ geoid }) => geoid))];
  const assumed = statements.find(({ known }) => known === 'assumed');
  return {
    source: names.length === 1 ? first.source : 'several',
    name: names.join(', '),
    known: assumed ? 'assumed' : first.known,
    because: assumed
      ? assumed.because
      : `Heights above ${names.join(', ')}, each source brought to the ellipsoid by itself`,
    geoid: geoids.join(', '),
    expectedErrorMetres: Math.max(...statements.map(({ expectedErrorMetres = 0 }) => expectedErrorMetres)),
  };
}
