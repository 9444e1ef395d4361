/** A patch with its picture as a GLB whose mesh is packed by Google's own Draco encoder (KHR_draco_mesh_compression). */
import { createRequire } from 'node:module';
import { type Patch, packGlb } from './surface-files.ts';

export async function packDraco(patch: Patch, picture: Uint8Array): Promise<Uint8Array> {
  const resolve = (parent: string, name: string) => createRequire(parent).resolve(name);
  const loader = resolve(resolve(import.meta.url, '@loaders.gl/gltf'), '@loaders.gl/draco');
  const draco = await (createRequire(loader)('draco3d') as Draco).createEncoderModule({});
  const mesh = new draco.Mesh();
  const builder = new draco.MeshBuilder();
  builder.AddFacesToMesh(mesh, patch.triangles.length / 3, patch.triangles);
  const count = patch.positions.length / 3;
  const position = builder.AddFloatAttributeToMesh(mesh, draco.POSITION, count, 3, patch.positions);
  const uv = builder.AddFloatAttributeToMesh(mesh, draco.TEX_COORD, count, 2, patch.uv);
  const encoder = new draco.Encoder();
  encoder.SetAttributeQuantization(draco.POSITION, 14);
  const packed = new draco.DracoInt8Array();
  const length = encoder.EncodeMeshToDracoBuffer(mesh, packed);
  const bytes = Uint8Array.from({ length }, (_, i) => packed.GetValue(i));
  const KHR_draco_mesh_compression = { bufferView: 0, attributes: { POSITION: position, TEXCOORD_0: uv } };
  const attributes = { POSITION: 0, TEXCOORD_0: 1 };
  return packGlb(
    {
      extensionsUsed: ['KHR_draco_mesh_compression'],
      extensionsRequired: ['KHR_draco_mesh_compression'],
      nodes: [{ mesh: 0 }],
      meshes: [{ primitives: [{ attributes, indices: 2, material: 0, extensions: { KHR_draco_mesh_compression } }] }],
      materials: [{ pbrMetallicRoughness: { baseColorTexture: { index: 0 } } }],
      textures: [{ source: 0 }],
      images: [{ bufferView: 1, mimeType: 'image/jpeg' }],
      accessors: [
        { componentType: 5126, count, type: 'VEC3' },
        { componentType: 5126, count, type: 'VEC2' },
        { componentType: 5125, count: patch.triangles.length, type: 'SCALAR' },
      ],
    },
    [bytes, picture],
  );
}

interface Draco {
  createEncoderModule(options: object): Promise<{
    readonly POSITION: number;
    readonly TEX_COORD: number;
    readonly Mesh: new () => object;
    readonly MeshBuilder: new () => {
      AddFacesToMesh(mesh: object, count: number, triangles: Uint32Array): void;
      AddFloatAttributeToMesh(mesh: object, kind: number, count: number, width: number, values: Float32Array): number;
    };
    readonly Encoder: new () => {
      SetAttributeQuantization(kind: number, bits: number): void;
      EncodeMeshToDracoBuffer(mesh: object, out: object): number;
    };
    readonly DracoInt8Array: new () => { GetValue(index: number): number };
  }>;
}
