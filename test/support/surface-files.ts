/**
 * A patch of hills with a picture on it, 500 m wide, as a GLB and as an OBJ with its .mtl: x east, y up, z south, like
 * glTF has it. The picture tells its own place: red grows to the right and green downwards.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

export interface Patch {
  /** East, up, south; metres. */
  readonly positions: Float32Array;
  readonly uv: Float32Array;
  readonly triangles: Uint32Array;
}

export const PATCH_METRES = 500;

/** `side` posts each way: 2 (side - 1)² triangles. */
export function makePatch(side: number): Patch {
  const positions = new Float32Array(3 * side * side);
  const uv = new Float32Array(2 * side * side);
  const triangles = new Uint32Array(6 * (side - 1) ** 2);
  for (let row = 0, at = 0; row < side; row++) {
    for (let column = 0; column < side; column++, at++) {
      const [u, v] = [column / (side - 1), row / (side - 1)];
      const [x, z] = [(u - 0.5) * PATCH_METRES, (v - 0.5) * PATCH_METRES];
      const y =
        40 * Math.sin(x / 60) * Math.cos(z / 45) +
        3 * Math.sin(x / 5 + z / 7) +
        0.4 * Math.sin(x * 1.7) * Math.sin(z * 2.1);
      positions.set([x, y, z], 3 * at);
      uv.set([u, v], 2 * at);
    }
  }
  for (let row = 0, at = 0; row < side - 1; row++) {
    for (let column = 0; column < side - 1; column++, at += 6) {
      const a = row * side + column;
      triangles.set([a, a + side, a + 1, a + 1, a + side, a + side + 1], at);
    }
  }
  return { positions, uv, triangles };
}

/** A JPEG whose red is 255 u and whose green is 255 v. */
export async function makePicture(width: number, height: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      pixels.set([(255 * (x + 0.5)) / width, (255 * (y + 0.5)) / height, 90], at);
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

/** Parts of a glTF document, put into one GLB; `views` are the bytes of its buffer views. */
export function packGlb(document: object, views: readonly Uint8Array[]): Uint8Array {
  const padded = views.map((view) => Buffer.concat([view, Buffer.alloc((4 - (view.length % 4)) % 4)]));
  let byteOffset = 0;
  const bufferViews = padded.map((view, i) => {
    const entry = { buffer: 0, byteOffset, byteLength: views[i].length };
    byteOffset += view.length;
    return entry;
  });
  const whole = { asset: { version: '2.0' }, buffers: [{ byteLength: byteOffset }], bufferViews, ...document };
  const text = JSON.stringify(whole);
  const json = Buffer.from(
    text.padEnd(Math.ceil(Buffer.byteLength(text) / 4) * 4 - Buffer.byteLength(text) + text.length),
  );
  const head = Buffer.alloc(20);
  head.write('glTF', 'latin1');
  for (const [i, value] of [2, 28 + json.length + byteOffset, json.length, 0x4e4f534a].entries()) {
    head.writeUInt32LE(value, 4 + 4 * i);
  }
  const chunk = Buffer.alloc(8);
  chunk.writeUInt32LE(byteOffset, 0);
  chunk.write('BIN\0', 4, 'latin1');
  return Buffer.concat([head, json, chunk, ...padded]);
}

/** The patch as a GLB; `document` replaces parts of what it says, such as nodes. */
export function patchAsGlb(
  { positions, uv, triangles }: Patch,
  picture?: Uint8Array,
  document: object = {},
): Uint8Array {
  const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return packGlb(
    {
      scene: 0,
      scenes: [{ nodes: [0] }],
      nodes: [{ mesh: 0 }],
      meshes: [{ primitives: [{ attributes: { POSITION: 0, TEXCOORD_0: 1 }, indices: 2, material: 0 }] }],
      materials: [
        picture
          ? { pbrMetallicRoughness: { baseColorTexture: { index: 0 } } }
          : { pbrMetallicRoughness: { baseColorFactor: [1, 0, 0, 1] } },
      ],
      ...(picture ? { textures: [{ source: 0 }], images: [{ bufferView: 3, mimeType: 'image/jpeg' }] } : {}),
      accessors: [
        { bufferView: 0, componentType: 5126, count: positions.length / 3, type: 'VEC3' },
        { bufferView: 1, componentType: 5126, count: uv.length / 2, type: 'VEC2' },
        { bufferView: 2, componentType: 5125, count: triangles.length, type: 'SCALAR' },
      ],
      ...document,
    },
    [bytes(positions), bytes(uv), bytes(triangles), ...(picture ? [picture] : [])],
  );
}

/** Writes NAME.obj, NAME.mtl and `NAME picture.jpg`. */
export async function writePatchAsObj(
  folder: string,
  name: string,
  patch: Patch,
  picture: Uint8Array,
): Promise<string> {
  const { positions, uv, triangles } = patch;
  const lines = [`mtllib ${name}.mtl`, 'usemtl hills'];
  for (let i = 0; i < positions.length; i += 3) lines.push(`v ${positions[i]} ${positions[i + 1]} ${positions[i + 2]}`);
  for (let i = 0; i < uv.length; i += 2) lines.push(`vt ${uv[i]} ${1 - uv[i + 1]}`);
  for (let i = 0; i < triangles.length; i += 3) {
    lines.push(`f ${[0, 1, 2].map((k) => `${triangles[i + k] + 1}/${triangles[i + k] + 1}`).join(' ')}`);
  }
  await writeFile(join(folder, `${name}.obj`), lines.join('\n'));
  await writeFile(join(folder, `${name}.mtl`), `newmtl hills\nKd 1 1 1\nmap_Kd ${name} picture.jpg\n`);
  await writeFile(join(folder, `${name} picture.jpg`), picture);
  return join(folder, `${name}.obj`);
}
