/**
 * One tile of a surface: triangles of the tidy surface to a GLB, with the pictures that they need. The short road beside
 * make-tile: a surface is no height field, and meets terrain only where bytes are written.
 */
import { encodeSurfaceGlb, type SurfaceTilePart } from '../encode/surface-glb.ts';
import { cutTexture, type OpenPicture } from '../encode/surface-picture.ts';
import type { SurfacePicture } from '../geo/surface-mesh.ts';
import type { TidySurface } from '../mesh/tidy-surface.ts';

export interface SurfaceTileOptions {
  /** Texels of the tile's pictures for one of the surface's, 1 at most. */
  readonly scale: number;
  readonly copyright: string;
  readonly openPicture: (picture: SurfacePicture) => Promise<OpenPicture>;
}

/** `triangles` are vertices of the surface, three each, one triangle at least. */
export async function makeSurfaceTile(
  surface: TidySurface,
  triangles: Uint32Array,
  { scale, copyright, openPicture }: SurfaceTileOptions,
): Promise<Uint8Array> {
  const step = 2 ** surface.stepPower;
  const centre = middleOf(surface, triangles, step);
  const parts: SurfaceTilePart[] = [];
  for (const [number, own] of byMaterial(surface, triangles)) {
    const piece = gather(surface, own, centre, step);
    const material = surface.materials[number];
    const texture =
      material.picture &&
      (await cutTexture(
        await openPicture(material.picture),
        piece.uv,
        piece.triangles,
        scale,
        material.alpha !== 'OPAQUE',
      ));
    parts.push({ ...piece, material, texture });
  }
  return encodeSurfaceGlb({ centre, stepPower: surface.stepPower, parts }, copyright);
}

/** Of the triangles' box, in whole steps. */
function middleOf({ positions }: TidySurface, triangles: Uint32Array, step: number): [number, number, number] {
  const axis = (k: number) => {
    let [least, most] = [Infinity, -Infinity];
    for (const vertex of triangles) {
      least = Math.min(least, positions[3 * vertex + k]);
      most = Math.max(most, positions[3 * vertex + k]);
    }
    return Math.round((least + most) / 2 / step) * step;
  };
  return [axis(0), axis(1), axis(2)];
}

/** A triangle's material is that of its vertices. */
function byMaterial({ material }: TidySurface, triangles: Uint32Array): [number, Uint32Array][] {
  const found = new Map<number, number[]>();
  for (let i = 0; i < triangles.length; i += 3) {
    const own = found.get(material[triangles[i]]) ?? [];
    found.set(material[triangles[i]], own);
    own.push(triangles[i], triangles[i + 1], triangles[i + 2]);
  }
  return [...found].sort(([a], [b]) => a - b).map(([number, own]) => [number, Uint32Array.from(own)]);
}

/** The vertices of some triangles, numbered anew. */
function gather(
  { positions, normals, uv }: TidySurface,
  triangles: Uint32Array,
  centre: readonly number[],
  step: number,
) {
  const kept = Uint32Array.from(new Set(triangles));
  const numberOf = new Map(Array.from(kept, (vertex, i) => [vertex, i]));
  return {
    steps: Int32Array.from({ length: 3 * kept.length }, (_, i) =>
      Math.round((positions[3 * kept[Math.floor(i / 3)] + (i % 3)] - centre[i % 3]) / step),
    ),
    normals: Float32Array.from({ length: 3 * kept.length }, (_, i) => normals[3 * kept[Math.floor(i / 3)] + (i % 3)]),
    uv: Float32Array.from({ length: 2 * kept.length }, (_, i) => uv[2 * kept[i >> 1] + (i & 1)]),
    triangles: triangles.map((vertex) => numberOf.get(vertex) as number),
  };
}
