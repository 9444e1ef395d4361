/**
 * A surface without a place, from a file: binary glTF 2.0 (.glb), glTF (.gltf with its files beside it) or Wavefront OBJ
 * with its .mtl and pictures. All meshes, nodes and materials become one surface, in metres east, north and up.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, normalize, sep } from 'node:path';
import { RelievoError } from '../error.ts';
import type { UnplacedSurface } from '../geo/surface-mesh.ts';
import type { SurfaceBuilder } from './surface-file-builder.ts';
import { openSurfaceBuilder } from './surface-file-builder.ts';
import { readGltf } from './surface-file-gltf.ts';
import { readObj } from './surface-file-obj.ts';

/** Which axis of the file points up: glTF's is y, with north along -z. With z up, x is east and y north. */
export type UpAxis = 'y' | 'z';

export interface SurfaceFile {
  readonly surface: UnplacedSurface;
  /** What the file says of its authors; empty when nothing. */
  readonly copyright: string;
  /** What of the file is left out, as sentences. */
  readonly warnings: readonly string[];
}

/** Reads one format: adds all triangles, and returns what the file says of its authors. */
export type SurfaceReader = (bytes: Uint8Array, to: SurfaceBuilder, beside: FilesBeside) => Promise<string>;

/** Reads a file that another one names, relative to it; fails with `input-missing`. */
export type FilesBeside = (name: string) => Promise<Uint8Array>;

const READERS: Readonly<Record<string, SurfaceReader>> = { '.glb': readGltf, '.gltf': readGltf, '.obj': readObj };

/** Whether a source is a surface, by its name. */
export function isSurfaceName(name: string): boolean {
  return extname(name).toLowerCase() in READERS;
}

/** Fails with `input-missing`, `input-invalid` or `input-unsupported`, in a sentence. */
export async function readSurfaceFile(path: string, up: UpAxis, signal?: AbortSignal): Promise<SurfaceFile> {
  const bytes = await readFile(path, { signal }).catch((error) => {
    if (signal?.aborted) throw error;
    throw missing(path, 'The file is not there or cannot be read', error);
  });
  const read = READERS[extname(path).toLowerCase()];
  if (read === undefined) {
    throw new RelievoError('input-unsupported', 'A surface comes as .glb, .gltf or .obj', { where: path });
  }
  const builder = openSurfaceBuilder(path, up);
  const copyright = await read(bytes, builder, besideOf(path, signal));
  return { surface: builder.finish(), copyright, warnings: builder.warnings };
}

function besideOf(path: string, signal: AbortSignal | undefined): FilesBeside {
  return async (name) => {
    if (/^[a-z][a-z0-9+.-]+:/i.test(name)) {
      throw new RelievoError(
        'input-unsupported',
        `It names ${name.slice(0, 80)}, which is not fetched: save the scene as one .glb, or put the file beside it`,
        { where: path },
      );
    }
    const inside = normalize(decoded(name).replaceAll('\\', '/'));
    if (isAbsolute(inside) || inside.split(sep).includes('..')) {
      throw new RelievoError(
        'input-unsupported',
        `It names ${name}, which lies outside its own folder: put the file beside it and name it so`,
        { where: path },
      );
    }
    return readFile(join(dirname(path), inside), { signal }).catch((error) => {
      if (signal?.aborted) throw error;
      throw missing(path, `${basename(path)} needs ${name}, which is not there or cannot be read`, error);
    });
  };
}

/** Names in glTF are addresses, with %20 for a space; in .mtl they are not, and a lone % stands for itself. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function missing(path: string, sentence: string, cause: unknown): RelievoError {
  return new RelievoError('input-missing', sentence, { where: path, cause });
}
