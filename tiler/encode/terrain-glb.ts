/**
 * A tile of terrain as binary glTF 2.0, in one of three forms, each for the clients that read it. Positions are ECEF
 * metres turned to glTF's y-up axes (X, Z, -Y), so that 3D Tiles' turn to z-up gives ECEF again.
 */
import type { LonLatBox } from '../geo/tiling-scheme.ts';
import { type TileEdges, UV_MAX } from '../mesh/terrain-mesh.ts';
import { VERSION } from '../version.ts';
import { addMaterial } from './glb-material.ts';
import { type GlbMesh, layOutMesh } from './glb-mesh.ts';
import { bytesOf, COMPONENT, type GlbAccessor, GlbParts, TARGET } from './glb-parts.ts';
import { addVertices, placePlain, placeQuantised } from './glb-positions.ts';
import { addStatement } from './glb-statement.ts';
import { meshoptReady } from './meshopt.ts';

const EDGES = 'CESIUM_tile_edges';
const FEATURES = 'EXT_mesh_features';

/** `standard` for any 3D Tiles 1.1 client, `cesium-terrain` for Cesium3DTilesTerrainProvider, `gis` for QGIS. */
export const GLB_PROFILES = ['standard', 'cesium-terrain', 'gis'] as const;
export type GlbProfile = (typeof GLB_PROFILES)[number];

/** A quantized-mesh tile, decoded. */
export interface TerrainTile {
  /** Degrees. */
  readonly box: LonLatBox;
  /** 0 at the west border .. 32767 at the east. */
  readonly u: Uint16Array;
  /** 0 at the south border .. 32767 at the north. */
  readonly v: Uint16Array;
  /** Metres above the ellipsoid. */
  readonly heights: Float64Array;
  /** Three vertices a triangle, counter-clockwise seen from above. */
  readonly triangles: Uint32Array;
  readonly edges: TileEdges;
  /** ECEF unit vectors, X, Y, Z for each vertex. */
  readonly normals?: Float32Array | undefined;
  /** Metres above the ellipsoid, of the header. */
  readonly minHeight: number;
  readonly maxHeight: number;
  /** ECEF metres, of the header. */
  readonly sphere: { readonly x: number; readonly y: number; readonly z: number; readonly radius: number };
  /** ECEF divided by the ellipsoid's radii, of the header. */
  readonly occlusion: { readonly x: number; readonly y: number; readonly z: number };
}

/** Covers the tile's box, north row first. */
export interface TilePicture {
  readonly bytes: Uint8Array;
  readonly type: 'image/jpeg' | 'image/webp';
  /**
   * Share of the picture's width and height that lies beyond the box on each side: texture coordinates run from it to
   * 1 - inset. Half a texel where the outermost texels are centred on the box's sides; default 0.
   */
  readonly inset?: number | undefined;
}

export interface GlbOptions {
  readonly profile: GlbProfile;
  /** `asset.copyright`: clients split it at ";" and show each part. Left out when empty. */
  readonly copyright: string;
  /** Depth of the skirts along the vertical; `cesium-terrain` has none, its client makes them. */
  readonly skirtMetres: number;
  /** Left out by `cesium-terrain`, whose client drapes imagery of its own. */
  readonly picture?: TilePicture | undefined;
  /** What the tile says of itself; left out by `cesium-terrain`. */
  readonly statement?:
    | {
        readonly sources: string;
        /** Metres above the ellipsoid. */
        readonly minHeight: number;
        readonly maxHeight: number;
        readonly maxErrorMetres?: number | undefined;
      }
    | undefined;
}

/** The bytes of one GLB. Throws `input-unsupported` for a WebP picture in `gis`: QGIS reads none. */
export async function encodeTerrainGlb(tile: TerrainTile, options: GlbOptions): Promise<Uint8Array> {
  await meshoptReady;
  const { profile, copyright, skirtMetres } = options;
  const forCesium = profile === 'cesium-terrain';
  const picture = forCesium ? undefined : options.picture;
  const statement = forCesium ? undefined : options.statement;
  const mesh = layOutMesh(tile, forCesium ? 0 : skirtMetres);
  const parts = new GlbParts();
  const placed = profile === 'gis' ? placePlain(parts, mesh, tile) : placeQuantised(parts, mesh, tile, profile);
  const attributes: Record<string, number> = { POSITION: placed.position, NORMAL: placed.normal };
  if (picture) attributes.TEXCOORD_0 = addTexture(parts, mesh, profile, picture.inset ?? 0);
  const extensions: Record<string, object> = {};
  if (forCesium) extensions[EDGES] = addEdges(parts, tile);
  if (statement && profile === 'standard') extensions[FEATURES] = addFeature(parts, mesh.count, attributes);
  const primitive = {
    attributes,
    indices: addTriangles(parts, mesh, profile),
    material: forCesium ? undefined : 0,
    extensions: Object.keys(extensions).length > 0 ? extensions : undefined,
    // The last ones: who cuts a tileset up can leave them out.
    extras: forCesium
      ? undefined
      : { relievo: { skirtTriangles: (mesh.triangles.length - tile.triangles.length) / 3 } },
  };
  return parts.finish({
    asset: { version: '2.0', generator: `relievo ${VERSION}`, copyright: copyright === '' ? undefined : copyright },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, ...placed.node }],
    meshes: [{ primitives: [primitive] }],
    ...(forCesium ? {} : addMaterial(parts, picture, profile)),
    extensions: statement && addStatement(parts, statement),
  });
}

/** u16 from 0 to 1, or float32 for clients without quantisation. `inset`: of the picture. */
function addTexture(parts: GlbParts, { count, texture }: GlbMesh, profile: GlbProfile, inset: number): number {
  const plain = profile === 'gis';
  const place = (value: number) => inset + (value / UV_MAX) * (1 - 2 * inset);
  const values = plain
    ? Float32Array.from(texture, place)
    : Uint16Array.from(texture, (value) => Math.round(place(value) * 65535));
  return parts.addAccessor({
    bufferView: plain
      ? parts.addView(bytesOf(values), { target: TARGET.vertices })
      : addVertices(parts, bytesOf(values), count, 4),
    componentType: plain ? COMPONENT.float32 : COMPONENT.uint16,
    normalized: plain ? undefined : true,
    count,
    type: 'VEC2',
  });
}

function addTriangles(parts: GlbParts, { triangles }: GlbMesh, profile: GlbProfile): number {
  const count = triangles.length;
  const byteStride = triangles.BYTES_PER_ELEMENT;
  const target = TARGET.indices;
  const bytes = bytesOf(triangles);
  return parts.addAccessor({
    bufferView:
      profile === 'gis'
        ? parts.addView(bytes, { target })
        : parts.addPacked(bytes, { count, byteStride, mode: 'TRIANGLES', target }),
    componentType: byteStride === 2 ? COMPONENT.uint16 : COMPONENT.uint32,
    count,
    type: 'SCALAR',
  });
}

/**
 * CESIUM_tile_edges in the order that CesiumJS's own skirts need: round the tile clockwise, against the words of the
 * draft. Not packed: four short lists in one view are shorter so.
 */
function addEdges(parts: GlbParts, { edges }: TerrainTile): object {
  parts.useExtension(EDGES, 'used');
  const ring = {
    left: edges.west,
    bottom: edges.south.toReversed(),
    right: edges.east.toReversed(),
    top: edges.north,
  };
  const all = Uint16Array.from(Object.values(ring).flatMap((edge) => [...edge]));
  const bufferView = parts.addView(bytesOf(all));
  let byteOffset = 0;
  const accessors = Object.entries(ring).map(([name, edge]) => {
    const accessor = { bufferView, byteOffset, componentType: COMPONENT.uint16, count: edge.length, type: 'SCALAR' };
    byteOffset += 2 * edge.length;
    return [name, parts.addAccessor(accessor as GlbAccessor)];
  });
  return Object.fromEntries(accessors);
}

/** EXT_mesh_features: every vertex belongs to the one row of the property table. */
function addFeature(parts: GlbParts, count: number, attributes: Record<string, number>): object {
  parts.useExtension(FEATURES, 'used');
  attributes._FEATURE_ID_0 = parts.addAccessor({
    bufferView: addVertices(parts, new Uint8Array(4 * count), count, 4),
    componentType: COMPONENT.uint8,
    count,
    type: 'SCALAR',
  });
  return { featureIds: [{ featureCount: 1, attribute: 0, propertyTable: 0 }] };
}
