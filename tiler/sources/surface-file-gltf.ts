/**
 * glTF 2.0 as a surface: the nodes of the default scene with their transforms, triangles, strips and fans, base colours
 * and their pictures (specification 3.5 to 3.9). Skins, animations and morph targets are left out, with a warning.
 */
import { RelievoError } from '../error.ts';
import type { SurfaceMaterial, SurfacePicture } from '../geo/surface-mesh.ts';
import {
  type GltfDocument,
  type GltfJson,
  type GltfNode,
  type GltfPrimitive,
  type GltfTextureInfo,
  openGltfDocument,
} from './gltf-document.ts';
import { applyMatrix, IDENTITY, type Matrix, matrixOfNode, multiply, turnNormals } from './gltf-matrix.ts';
import type { FilesBeside } from './surface-file.ts';
import { MOST_NUMBERS, readAccessor } from './surface-file-accessors.ts';
import { PLAIN_MATERIAL, type SurfaceBuilder } from './surface-file-builder.ts';

const MAGIC = 'glTF';
const DRACO = 'KHR_draco_mesh_compression';
const MOST_NESTED_NODES = 1000;

/** Extensions that a file may require: what they change is read, or only the light on a surface. */
const KNOWN: ReadonlySet<string> = new Set([
  DRACO,
  'EXT_meshopt_compression',
  'KHR_meshopt_compression',
  'KHR_mesh_quantization',
  'KHR_texture_transform',
  'KHR_materials_unlit',
  'KHR_materials_emissive_strength',
  'KHR_materials_ior',
  'KHR_materials_specular',
  'KHR_lights_punctual',
  'EXT_texture_webp',
]);

interface Looks {
  readonly number: number;
  readonly texture: GltfTextureInfo | undefined;
}

/** Returns `asset.copyright`. */
export async function readGltf(bytes: Uint8Array, to: SurfaceBuilder, beside: FilesBeside): Promise<string> {
  const head = readHead(bytes, to);
  refuseUnknown(head, to);
  const draco = head.extensionsUsed?.includes(DRACO) === true;
  const document = await openGltfDocument(bytes, draco, beside).catch((error) => {
    if (error instanceof RelievoError) throw error;
    throw to.fail(`It cannot be unpacked: ${(error as Error).message}`);
  });
  const { json } = document;
  const looks = await readMaterials(document, to, beside);
  const plain: { looks?: Looks } = {};
  if (json.animations?.length) to.warn('Animations are left out: the scene stands as it does at rest');
  const seen = new Set<number>();
  for (const root of rootsOf(json)) visit(root, IDENTITY, 1);
  return json.asset.copyright ?? '';

  function visit(index: number, parent: Matrix, depth: number): void {
    if (depth > MOST_NESTED_NODES) throw to.fail(`Its nodes lie in each other more than ${MOST_NESTED_NODES} deep`);
    const node: GltfNode | undefined = json.nodes?.[index];
    if (node === undefined) throw to.fail(`A scene or node names node ${index}, which is not there`);
    if (seen.has(index)) throw to.fail(`Node ${index} is its own ancestor, or a child of two nodes`);
    seen.add(index);
    const matrix = multiply(parent, matrixOfNode(node));
    if (node.extensions?.EXT_mesh_gpu_instancing) throw unsupported(to, 'EXT_mesh_gpu_instancing');
    if (node.skin !== undefined) to.warn('Skins are left out: their meshes stand as they do at rest');
    if (node.mesh !== undefined) addMesh(node.mesh, matrix);
    for (const child of node.children ?? []) visit(child, matrix, depth + 1);
  }

  function addMesh(index: number, matrix: Matrix): void {
    const mesh = json.meshes?.[index];
    if (mesh === undefined) throw to.fail(`A node names mesh ${index}, which is not there`);
    for (const primitive of mesh.primitives) addPrimitive(primitive, matrix);
  }

  function addPrimitive(primitive: GltfPrimitive, matrix: Matrix): void {
    const { attributes, indices, material, mode = 4 } = primitive;
    if (mode < 4) {
      to.warn('Points and lines are left out: a surface is made of triangles');
      return;
    }
    if (primitive.targets?.length) to.warn('Morph targets are left out: meshes stand as they do at rest');
    if (attributes.COLOR_0 !== undefined) to.warn('Colours of vertices are left out: pictures and materials count');
    const positions = numbers(attributes.POSITION, 3, 'POSITION');
    if (positions === undefined) return;
    const look = material === undefined ? plainLooks() : looks[material];
    if (look === undefined) throw to.fail(`A mesh names material ${material}, which is not there`);
    const channel = look.texture?.extensions?.KHR_texture_transform?.texCoord ?? look.texture?.texCoord ?? 0;
    const uv = look.texture && numbers(attributes[`TEXCOORD_${channel}`], 2, 'TEXCOORD');
    const normals = numbers(attributes.NORMAL, 3, 'NORMAL');
    const corners = numbers(indices, 1, 'indices') ?? Float64Array.from({ length: positions.length / 3 }, (_, i) => i);
    const mirrored = applyMatrix(matrix, positions);
    to.add({
      positions,
      normals: normals && turnNormals(matrix, normals),
      uv: uv && moveTexture(uv, look.texture),
      triangles: trianglesOf(corners, mode, mirrored),
      material: look.number,
    });
  }

  function plainLooks(): Looks {
    plain.looks ??= { number: to.addMaterial(PLAIN_MATERIAL), texture: undefined };
    return plain.looks;
  }

  function numbers(from: GltfPrimitive['indices'], width: number, what: string): Float64Array | undefined {
    if (from === undefined) return undefined;
    if (typeof from === 'object') return Float64Array.from(from.value);
    const accessor = json.accessors?.[from];
    if (accessor && accessor.count * width > MOST_NUMBERS) {
      const most = Math.floor(MOST_NUMBERS / width);
      throw to.fail(`Accessor ${from} (${what}) has ${accessor.count} elements; at most ${most} are read`);
    }
    const out = accessor && readAccessor(accessor, (view) => viewOf(document, view, to), width);
    if (out === undefined) {
      throw to.fail(`Accessor ${from} (${what}) does not fit its buffer, has none, or is of another kind`);
    }
    return out;
  }
}

/** The document as it stands in the file, before anything is unpacked. */
function readHead(bytes: Uint8Array, to: SurfaceBuilder): GltfJson {
  const binary = to.path.toLowerCase().endsWith('.glb');
  let text = bytes;
  if (binary) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length < 20 || new TextDecoder('latin1').decode(bytes.subarray(0, 4)) !== MAGIC) {
      throw to.fail('It is not a GLB: that begins with the letters glTF');
    }
    const version = view.getUint32(4, true);
    if (version !== 2) throw to.fail(`It is a GLB of version ${version}; version 2 is read: save it anew`);
    const length = view.getUint32(8, true);
    if (length > bytes.length) throw to.fail(`The GLB is cut off: ${bytes.length} of ${length} bytes are there`);
    text = bytes.subarray(20, 20 + view.getUint32(12, true));
  }
  let json: GltfJson;
  try {
    json = JSON.parse(new TextDecoder().decode(text));
  } catch {
    throw to.fail(`Its glTF document is no JSON${binary ? '' : ': a binary one needs the ending .glb'}`);
  }
  if (!json?.asset?.version?.startsWith('2')) {
    throw to.fail(`It is glTF ${json?.asset?.version ?? 'without a version'}; version 2 is read: save it anew`);
  }
  return json;
}

function refuseUnknown(json: GltfJson, to: SurfaceBuilder): void {
  for (const name of json.extensionsRequired ?? []) if (!KNOWN.has(name)) throw unsupported(to, name);
}

function unsupported(to: SurfaceBuilder, name: string): RelievoError {
  return new RelievoError('input-unsupported', `It needs ${name}, which is not read: save it without`, {
    where: to.path,
  });
}

/** Nodes of the default scene; without scenes, all that are no child of another. */
function rootsOf({ scene = 0, scenes, nodes = [] }: GltfJson): readonly number[] {
  if (scenes?.[scene]) return scenes[scene].nodes ?? [];
  const children = new Set(nodes.flatMap((node) => node.children ?? []));
  return nodes.map((_, i) => i).filter((i) => !children.has(i));
}

function viewOf({ json, buffers }: GltfDocument, index: number, to: SurfaceBuilder) {
  const view = json.bufferViews?.[index];
  const buffer = view && buffers[view.buffer];
  if (!view || !buffer) throw to.fail(`Buffer view ${index} or its buffer is not there`);
  const begin = view.byteOffset ?? 0;
  if (!(begin >= 0 && view.byteLength >= 0 && begin + view.byteLength <= buffer.byteLength))
    throw to.fail(`Buffer view ${index} ends beyond its buffer`);
  const bytes = new Uint8Array(buffer.arrayBuffer, buffer.byteOffset + begin, view.byteLength);
  return { bytes, stride: view.byteStride };
}

async function readMaterials(document: GltfDocument, to: SurfaceBuilder, beside: FilesBeside): Promise<Looks[]> {
  const { json } = document;
  const pictures = new Map<number, SurfacePicture>();
  const looks: Looks[] = [];
  for (const material of json.materials ?? []) {
    const { baseColorFactor = [1, 1, 1, 1], baseColorTexture: texture } = material.pbrMetallicRoughness ?? {};
    const made: SurfaceMaterial = {
      name: material.name ?? '',
      colour: baseColorFactor as [number, number, number, number],
      ...(texture ? { picture: await pictureOf(texture.index) } : {}),
      alpha: material.alphaMode === 'MASK' || material.alphaMode === 'BLEND' ? material.alphaMode : 'OPAQUE',
      alphaCutoff: material.alphaCutoff ?? 0.5,
      doubleSided: material.doubleSided === true,
      unlit: material.extensions?.KHR_materials_unlit !== undefined,
    };
    looks.push({ number: to.addMaterial(made), texture });
  }
  return looks;

  async function pictureOf(index: number): Promise<SurfacePicture> {
    const texture = json.textures?.[index];
    const source = texture?.extensions?.EXT_texture_webp?.source ?? texture?.source;
    const image = source === undefined ? undefined : json.images?.[source];
    if (source === undefined || image === undefined) {
      throw new RelievoError('input-unsupported', `Texture ${index} has no picture that is read: JPEG, PNG or WebP`, {
        where: to.path,
      });
    }
    const known = pictures.get(source);
    if (known) return known;
    const picture = { name: `${to.path}, image ${source}`, bytes: await bytesOfImage(image) };
    pictures.set(source, picture);
    return picture;
  }

  async function bytesOfImage({ uri, bufferView }: { uri?: string; bufferView?: number }): Promise<Uint8Array> {
    if (bufferView !== undefined) return viewOf(document, bufferView, to).bytes;
    if (uri?.startsWith('data:')) return new Uint8Array(await (await fetch(uri)).arrayBuffer());
    if (uri === undefined) throw to.fail('An image has neither bytes nor a file');
    return beside(uri);
  }
}

/** Of lists, strips (mode 5) and fans (mode 6); turned round where a transform mirrors. */
function trianglesOf(corners: Float64Array, mode: number, mirrored: boolean): Uint32Array {
  const count = mode === 4 ? Math.floor(corners.length / 3) : Math.max(0, corners.length - 2);
  const out = new Uint32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const [a, b, c] =
      mode === 4
        ? [3 * i, 3 * i + 1, 3 * i + 2]
        : mode === 5
          ? [i, i + 1 + (i % 2), i + 2 - (i % 2)]
          : [0, i + 1, i + 2];
    out.set([corners[a], corners[mirrored ? c : b], corners[mirrored ? b : c]], 3 * i);
  }
  return out;
}

/** KHR_texture_transform: scaled, turned, then moved. */
function moveTexture(uv: Float64Array, texture: GltfTextureInfo | undefined): Float32Array {
  const { offset = [0, 0], rotation = 0, scale = [1, 1] } = texture?.extensions?.KHR_texture_transform ?? {};
  const [sin, cos] = [Math.sin(rotation), Math.cos(rotation)];
  const out = new Float32Array(uv.length);
  for (let i = 0; i < uv.length; i += 2) {
    const [u, v] = [uv[i] * scale[0], uv[i + 1] * scale[1]];
    out[i] = cos * u + sin * v + offset[0];
    out[i + 1] = -sin * u + cos * v + offset[1];
  }
  return out;
}
