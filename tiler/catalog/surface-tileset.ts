/**
 * The document of a surface's tileset: 3D Tiles 1.1 with every tile written out, each in a box that holds it tightly, and
 * refined by replacing. The root's `transform` places the local frame (east, north, up, metres) on Earth.
 */
import { matrixOfFrame, type SurfaceFrame } from '../geo/surface-mesh.ts';
import { VERSION } from '../version.ts';

export interface SurfaceTileEntry {
  /** Least east, north, up, then greatest, of the tile and all below it; metres. */
  readonly box: readonly number[];
  /** Metres; 0 for a leaf, and at least that of each child. */
  readonly geometricError: number;
  readonly uri: string;
  readonly children: readonly SurfaceTileEntry[];
  readonly triangles: number;
  /** No point of the tile lies further from the full surface, nor the other way round; metres, measured. */
  readonly errorMetres: number;
  /** What a texel of its pictures covers; undefined without pictures. */
  readonly texelMetres?: number | undefined;
}

export interface SurfaceTilesetOptions {
  readonly frame: SurfaceFrame;
  /** Half the least side of a box, metres: flat ones are none. */
  readonly leastHalf: number;
  readonly title: string;
  readonly attribution: string;
}

export function surfaceTileset(root: SurfaceTileEntry, options: SurfaceTilesetOptions): object {
  const { frame, title, attribution } = options;
  const [x0, y0, z0, x1, y1, z1] = root.box;
  return {
    asset: {
      version: '1.1',
      extras: {
        generator: `relievo ${VERSION}`,
        title: title === '' ? undefined : title,
        attribution: attribution === '' ? undefined : attribution,
        surface: frame,
      },
    },
    // What is missing when nothing is drawn.
    geometricError: Math.max(Math.hypot(x1 - x0, y1 - y0, z1 - z0), 2 * root.geometricError),
    root: { transform: matrixOfFrame(frame), refine: 'REPLACE', ...tileOf(root, options.leastHalf) },
  };
}

function tileOf(entry: SurfaceTileEntry, leastHalf: number): object {
  const { box, geometricError, uri, children, triangles, errorMetres, texelMetres } = entry;
  const half = [0, 1, 2].map((axis) => Math.max((box[axis + 3] - box[axis]) / 2, leastHalf));
  const [x, y, z] = [0, 1, 2].map((axis) => (box[axis] + box[axis + 3]) / 2);
  return {
    boundingVolume: { box: [x, y, z, half[0], 0, 0, 0, half[1], 0, 0, 0, half[2]] },
    geometricError,
    content: { uri },
    extras: { triangles, errorMetres, texelMetres },
    children: children.length > 0 ? children.map((child) => tileOf(child, leastHalf)) : undefined,
  };
}
