/** A box of a tileset, quantized-mesh or 3D Tiles, to one file of a scene, a heightmap, or both. */
import { basename, dirname, extname } from 'node:path';
import { RelievoError } from '../error.ts';
import { metresPerDegreeEast, metresPerDegreeNorth } from '../geo/ellipsoid.ts';
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { type Detail, type ExportPlan, nothingThere } from './export-plan.ts';
import { drawHeightmap, type Heightmap } from './heightmap.ts';
import { openLocalFrame } from './local-frame.ts';
import { checkOutput, writeFiles } from './output-files.ts';
import type { Piece } from './piece.ts';
import { openPlace, type Place, parseJson, readJson } from './place.ts';
import { planQuantizedMesh } from './quantized-mesh-plan.ts';
import { joinPieces, measureScene, type Scene, type SceneMeasure } from './scene.ts';
import { planTiles3d } from './tiles-3d-plan.ts';
import { writeGlb } from './write-glb.ts';
import {
  type Displacement,
  displacementOf,
  HEIGHTMAP_KINDS,
  type HeightmapKind,
  writeHeightmap,
} from './write-heightmap.ts';
import { writeObj } from './write-obj.ts';
import { writePly } from './write-ply.ts';

export const SCENE_KINDS = ['glb', 'obj', 'ply'] as const;
export type SceneKind = (typeof SCENE_KINDS)[number];

export interface ExportOptions extends Detail {
  /** Degrees; `east` beyond 180 where the box crosses the date line. */
  readonly box: LonLatBox;
  /** Absolute paths; at least one of them. */
  readonly out?: string | undefined;
  readonly heightmap?: string | undefined;
  /** Of the heightmap's longer side. */
  readonly pixels: number;
  readonly onTiles?: ((done: number, total: number) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface ExportReport extends SceneMeasure {
  readonly source: string;
  readonly kind: ExportPlan['kind'];
  readonly tiles: number;
  readonly levels: readonly [number, number];
  readonly errorMetres: number | undefined;
  readonly origin: Scene['origin'];
  readonly skirts: string;
  readonly attribution: readonly string[];
  readonly warnings: readonly string[];
  readonly out: { readonly path: string; readonly bytes: number; readonly files: number } | undefined;
  readonly heightmap:
    | (Omit<Heightmap, 'heights'> & Displacement & { readonly path: string; readonly kind: HeightmapKind })
    | undefined;
}

/** Degrees: beyond it nobody takes a flat frame for a map. */
const WIDEST = 10;
const MOST_TRIANGLES = 40_000_000;
const AT_A_TIME = 6;

export async function exportBox(tileset: string, options: ExportOptions): Promise<ExportReport> {
  const { box, out, heightmap, signal } = options;
  requireBox(box);
  const kind = out === undefined ? undefined : kindOf(out, SCENE_KINDS, '--out');
  const mapKind = heightmap === undefined ? undefined : kindOf(heightmap, HEIGHTMAP_KINDS, '--heightmap');
  for (const path of [out, heightmap]) if (path !== undefined) await checkOutput(path);
  const place = await openPlace(tileset);
  try {
    const plan = await planExport(place, options);
    const pieces = await readPieces(place, plan, options);
    const frame = openLocalFrame(box);
    const parts = joinPieces(pieces, frame);
    if (parts.length === 0) throw nothingThere(place.shown, box, plan.warnings());
    const attribution = [...new Set(plan.attribution())];
    const scene: Scene = { origin: frame.origin, box, parts, attribution, source: place.name };
    const measure = measureScene(parts);
    const map = mapKind && drawHeightmap(parts, box, frame, options.pixels);
    return {
      ...measure,
      source: place.shown,
      kind: plan.kind,
      tiles: plan.tiles,
      levels: plan.levels,
      errorMetres: plan.errorMetres,
      origin: frame.origin,
      skirts: plan.skirts(),
      attribution,
      warnings: [...coarseness(plan, box), ...plan.warnings()],
      out: out && kind ? await writeScene(scene, out, kind, signal) : undefined,
      heightmap: map && heightmap && mapKind ? await writeMap(map, heightmap, mapKind, signal) : undefined,
    };
  } finally {
    await place.close();
  }
}

/** Tiles that may be off by more than half the box's width show nothing of it: mostly the tileset's data lie elsewhere. */
function coarseness({ errorMetres = 0 }: ExportPlan, { west, south, east, north }: LonLatBox): readonly string[] {
  const middle = (south + north) / 2;
  const side = Math.min((east - west) * metresPerDegreeEast(middle), (north - south) * metresPerDegreeNorth(middle));
  if (2 * errorMetres <= side) return [];
  const [error, width] = [errorMetres, side].map((metres) => Number(metres.toPrecision(3)));
  return [
    `The tiles are too coarse for this box: the tileset states an error of ${error} m for them, and the box is only ${width} m across. Its data may lie elsewhere: compare --bounds with what it covers, or ask for a finer --level.`,
  ];
}

function requireBox({ west, south, east, north }: LonLatBox): void {
  if (east - west <= WIDEST && north - south <= WIDEST) return;
  throw new RelievoError(
    'usage',
    `--bounds must be at most ${WIDEST} degrees wide and high, because the exported frame is flat, not ${east - west} and ${north - south}`,
  );
}

function kindOf<T extends string>(path: string, kinds: readonly T[], flag: string): T {
  const extension = extname(path).slice(1).toLowerCase().replace('tiff', 'tif');
  const kind = kinds.find((name) => name === extension);
  if (kind) return kind;
  const names = kinds.map((name) => `.${name}`).join(', ');
  throw new RelievoError('usage', `${flag} must end with one of ${names}, not "${basename(path)}"`);
}

/** Which kind of tileset it is: by the document that was named, or by the one that is there. */
async function planExport(place: Place, { box, level, maxError, signal }: ExportOptions): Promise<ExportPlan> {
  const detail = { level, maxError };
  if (/\.json$/i.test(place.start.pathname)) {
    const document = await readJson(place, place.start, { signal });
    if ('root' in document) return planTiles3d(place, place.start, document, box, detail, signal);
    return planQuantizedMesh(place, place.start, JSON.stringify(document), box, detail, signal);
  }
  const layer = new URL(`layer.json${place.start.search}`, place.start);
  const tileset = new URL(`tileset.json${place.start.search}`, place.start);
  const accept = 'application/json,*/*;q=0.5';
  const [mesh, tiles] = await Promise.all([layer, tileset].map((url) => place.read(url, { accept, signal })));
  if (mesh && tiles) {
    throw new RelievoError('usage', 'There are a layer.json and a tileset.json: name the one that is meant.', {
      where: place.shown,
    });
  }
  if (mesh) return planQuantizedMesh(place, layer, new TextDecoder().decode(mesh), box, detail, signal);
  if (tiles) return planTiles3d(place, tileset, parseJson(place, tileset, tiles), box, detail, signal);
  throw new RelievoError('input-missing', 'There is no layer.json and no tileset.json; name a tileset.', {
    where: place.shown,
  });
}

/** In the order of the plan, whatever comes first. */
async function readPieces(place: Place, plan: ExportPlan, { onTiles, signal }: ExportOptions): Promise<Piece[]> {
  const found: (readonly Piece[])[] = [];
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  let [next, done, triangles] = [0, 0, 0];
  const work = async () => {
    while (next < plan.parts.length) {
      const at = next++;
      stop.throwIfAborted();
      const pieces = await plan.parts[at](stop);
      found[at] = pieces;
      for (const piece of pieces) triangles += piece.triangles.length / 3;
      if (triangles > MOST_TRIANGLES) {
        const message = `The box has more than ${MOST_TRIANGLES / 1e6} million triangles: give smaller --bounds or a coarser --level.`;
        throw new RelievoError('input-unsupported', message, { where: place.shown });
      }
      onTiles?.(++done, plan.parts.length);
    }
  };
  await Promise.all(
    Array.from({ length: AT_A_TIME }, () =>
      work().catch((error: unknown) => {
        if (!failed.signal.aborted) failed.abort(error);
      }),
    ),
  );
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return found.flat();
}

async function writeScene(scene: Scene, path: string, kind: SceneKind, signal: AbortSignal) {
  const name = basename(path);
  const files =
    kind === 'obj'
      ? writeObj(scene, basename(path, extname(path)), name)
      : [{ name, content: kind === 'glb' ? writeGlb(scene) : await writePly(scene) }];
  return { path, bytes: await writeFiles(dirname(path), files, signal), files: files.length };
}

async function writeMap(map: Heightmap, path: string, kind: HeightmapKind, signal: AbortSignal) {
  const { heights: _, ...rest } = map;
  const content = await writeHeightmap(map, kind);
  await writeFiles(dirname(path), [{ name: basename(path), content }], signal);
  return { ...rest, ...displacementOf(map, kind), path, kind };
}
