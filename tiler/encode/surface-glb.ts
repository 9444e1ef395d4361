/**
 * A tile of a surface as binary glTF 2.0: one primitive a material, packed by EXT_meshopt_compression. East, north and up
 * are written y-up (east, up, -north). Positions are whole numbers of one step that all tiles share, counted from the
 * tile's centre, and written as float32: exact, so vertices that two tiles share are the same to the bit.
 */
import type { SurfaceMaterial } from '../geo/surface-mesh.ts';
import { VERSION } from '../version.ts';
import { bytesOf, COMPONENT, GlbParts, rangeOf, TARGET } from './glb-parts.ts';
import { filterNormals, meshoptReady, orderMesh } from './meshopt.ts';
import type { TileTexture } from './surface-picture.ts';

const UNLIT = 'KHR_materials_unlit';
const WEBP = 'EXT_texture_webp';

export interface SurfaceTilePart {
  /** East, north, up, 3 a vertex: whole steps from the tile's centre, -8388607..8388607. */
  readonly steps: Int32Array;
  /** Units, 3 a vertex: east, north, up. */
  readonly normals: Float32Array;
  readonly triangles: Uint32Array;
  readonly material: SurfaceMaterial;
  readonly texture?: TileTexture | undefined;
}

export interface SurfaceTile {
  /** East, north, up of the frame, metres: whole steps. */
  readonly centre: readonly [number, number, number];
  /** A step is 2 to the power of this, metres. */
  readonly stepPower: number;
  readonly parts: readonly SurfaceTilePart[];
}

/** `copyright`: `asset.copyright`, which clients split at ";" and show; left out when empty. */
export async function encodeSurfaceGlb(tile: SurfaceTile, copyright: string): Promise<Uint8Array> {
  await meshoptReady;
  const parts = new GlbParts();
  const [east, north, up] = tile.centre;
  const looks = new Looks(parts);
  const primitives = tile.parts.map((part) => addPrimitive(parts, looks, part, tile.stepPower));
  return parts.finish({
    asset: { version: '2.0', generator: `relievo ${VERSION}`, copyright: copyright === '' ? undefined : copyright },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, translation: [east, up, -north] }],
    meshes: [{ primitives }],
    ...looks.document(),
  });
}

function addPrimitive(parts: GlbParts, looks: Looks, part: SurfaceTilePart, stepPower: number): object {
  const triangles = part.triangles.slice();
  const [newIndex, count] = orderMesh(triangles);
  const words = new Int32Array(3 * count);
  const positions = new Float32Array(3 * count);
  const normals = new Float32Array(3 * count);
  const texture = new Uint16Array(2 * count);
  const wide = part.texture?.repeats ? new Float32Array(2 * count) : undefined;
  for (let k = 0; k < newIndex.length; k++) {
    const to = newIndex[k];
    // No triangle has it.
    if (to === UNUSED) continue;
    const [x, y, z] = part.steps.subarray(3 * k, 3 * k + 3);
    for (const [axis, step] of [x, z, -y].entries()) {
      words[3 * to + axis] = (stepPower << 24) | (step & 0xffffff);
      positions[3 * to + axis] = step * 2 ** stepPower;
    }
    const [nx, ny, nz] = part.normals.subarray(3 * k, 3 * k + 3);
    normals.set([nx, nz, -ny], 3 * to);
    if (!part.texture) continue;
    const [u, v] = part.texture.uv.subarray(2 * k, 2 * k + 2);
    wide?.set([u, v], 2 * to);
    texture.set([toUnit16(u), toUnit16(v)], 2 * to);
  }
  const vertices = { count, mode: 'ATTRIBUTES', target: TARGET.vertices } as const;
  const attributes: Record<string, number> = {
    POSITION: parts.addAccessor({
      bufferView: parts.addPacked(bytesOf(words), { ...vertices, byteStride: 12, filter: 'EXPONENTIAL' }),
      componentType: COMPONENT.float32,
      count,
      type: 'VEC3',
      ...rangeOf(positions, 3),
    }),
    NORMAL: parts.addAccessor({
      bufferView: parts.addPacked(filterNormals(normals), { ...vertices, byteStride: 4, filter: 'OCTAHEDRAL' }),
      componentType: COMPONENT.int8,
      normalized: true,
      count,
      type: 'VEC3',
    }),
  };
  parts.useExtension('KHR_mesh_quantization', 'required');
  if (part.texture) {
    attributes.TEXCOORD_0 = parts.addAccessor({
      bufferView: parts.addPacked(bytesOf(wide ?? texture), { ...vertices, byteStride: wide ? 8 : 4 }),
      componentType: wide ? COMPONENT.float32 : COMPONENT.uint16,
      normalized: wide ? undefined : true,
      count,
      type: 'VEC2',
    });
  }
  const indices = count > 65535 ? triangles : Uint16Array.from(triangles);
  const packed = parts.addPacked(bytesOf(indices), {
    count: indices.length,
    byteStride: indices.BYTES_PER_ELEMENT,
    mode: 'TRIANGLES',
    target: TARGET.indices,
  });
  return {
    attributes,
    indices: parts.addAccessor({
      bufferView: packed,
      componentType: count > 65535 ? COMPONENT.uint32 : COMPONENT.uint16,
      count: indices.length,
      type: 'SCALAR',
    }),
    material: looks.add(part.material, part.texture),
    // As terrain's GLBs say how many of their triangles are no ground.
    extras: { relievo: { skirtTriangles: 0 } },
  };
}

/** What the reordering says of a vertex that no triangle has. */
const UNUSED = 0xffffffff;

function toUnit16(value: number): number {
  return Math.round(Math.min(Math.max(value, 0), 1) * 65535);
}

/** Materials, textures and images of the document, in step. */
class Looks {
  readonly #parts: GlbParts;
  readonly #materials: object[] = [];
  readonly #textures: object[] = [];
  readonly #images: object[] = [];

  constructor(parts: GlbParts) {
    this.#parts = parts;
  }

  /** Index of the material. */
  add(material: SurfaceMaterial, texture: TileTexture | undefined): number {
    const { name, colour, alpha, alphaCutoff, doubleSided, unlit } = material;
    if (unlit) this.#parts.useExtension(UNLIT, 'used');
    const baseColorTexture = texture && { index: this.#addTexture(texture) };
    return (
      this.#materials.push({
        name: name === '' ? undefined : name,
        pbrMetallicRoughness: { baseColorFactor: colour, baseColorTexture, metallicFactor: 0, roughnessFactor: 1 },
        alphaMode: alpha === 'OPAQUE' ? undefined : alpha,
        alphaCutoff: alpha === 'MASK' ? alphaCutoff : undefined,
        doubleSided: doubleSided || undefined,
        extensions: unlit ? { [UNLIT]: {} } : undefined,
      }) - 1
    );
  }

  document(): object {
    if (this.#textures.length === 0) return { materials: this.#materials };
    return { materials: this.#materials, textures: this.#textures, images: this.#images, samplers: SAMPLERS };
  }

  #addTexture({ bytes, type, repeats }: TileTexture): number {
    const source = this.#images.push({ bufferView: this.#parts.addView(bytes), mimeType: type }) - 1;
    const webp = type === 'image/webp';
    if (webp) this.#parts.useExtension(WEBP, 'required');
    const image = webp ? { extensions: { [WEBP]: { source } } } : { source };
    return this.#textures.push({ sampler: repeats ? 1 : 0, ...image }) - 1;
  }
}

/** OpenGL's numbers: linear with mipmaps; the first ends at the edge, the second repeats. */
const SAMPLERS = [33071, 10497].map((wrap) => ({ magFilter: 9729, minFilter: 9987, wrapS: wrap, wrapT: wrap }));
