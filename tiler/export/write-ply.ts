/**
 * A scene as binary PLY, little-endian, z up. Positions are float32; the format knows no pictures that programs agree on, so
 * vertices get the colour that the picture has there.
 */
import sharp from 'sharp';
import type { Picture } from './piece.ts';
import { type Scene, type ScenePart, sceneStatement } from './scene.ts';

export async function writePly(scene: Scene): Promise<Uint8Array> {
  const { parts } = scene;
  const vertices = parts.reduce((sum, { positions }) => sum + positions.length / 3, 0);
  const faces = parts.reduce((sum, { triangles }) => sum + triangles.length / 3, 0);
  const withNormals = parts.every(({ normals }) => normals);
  const withColours = parts.some(({ material }) => material.picture);
  const floats = (names: string) => [...names.split(' ')].map((name) => `property float ${name}`);
  const head = [
    'ply',
    'format binary_little_endian 1.0',
    ...sceneStatement(scene, 'x east, y north, z up').map((line) => `comment ${line.replace(/[^\x20-\x7e]/g, '?')}`),
    `element vertex ${vertices}`,
    ...floats('x y z'),
    ...(withNormals ? floats('nx ny nz') : []),
    ...(withColours ? ['red', 'green', 'blue'].map((name) => `property uchar ${name}`) : []),
    `element face ${faces}`,
    'property list uchar int vertex_indices',
    'end_header\n',
  ].join('\n');
  const start = Buffer.byteLength(head);
  const stride = 12 + (withNormals ? 12 : 0) + (withColours ? 3 : 0);
  const file = Buffer.alloc(start + stride * vertices + 13 * faces);
  file.write(head, 'latin1');
  let at = start;
  for (const part of parts) {
    const { positions, normals } = part;
    const colours = withColours ? await coloursOf(part) : undefined;
    for (let i = 0; i < positions.length / 3; i++) {
      for (let k = 0; k < 3; k++) at = file.writeFloatLE(positions[3 * i + k], at);
      if (withNormals && normals) for (let k = 0; k < 3; k++) at = file.writeFloatLE(normals[3 * i + k], at);
      if (colours) for (let k = 0; k < 3; k++) at = file.writeUInt8(colours[3 * i + k], at);
    }
  }
  let first = 0;
  for (const { positions, triangles } of parts) {
    for (let i = 0; i < triangles.length; i += 3) {
      at = file.writeUInt8(3, at);
      for (let k = 0; k < 3; k++) at = file.writeInt32LE(first + triangles[i + k], at);
    }
    first += positions.length / 3;
  }
  return file;
}

/** Red, green and blue of each vertex, 0 to 255, as pictures are coded. */
async function coloursOf({ positions, uv, material }: ScenePart): Promise<Uint8Array> {
  const count = positions.length / 3;
  const out = new Uint8Array(3 * count);
  if (!material.picture || !uv) {
    for (let k = 0; k < out.length; k++) out[k] = Math.round(255 * material.colour[k % 3]);
    return out;
  }
  const { data, width, height } = await pixelsOf(material.picture);
  for (let i = 0; i < count; i++) {
    const column = nearest(uv[2 * i], width);
    const row = nearest(uv[2 * i + 1], height);
    out.set(data.subarray(3 * (row * width + column), 3 * (row * width + column) + 3), 3 * i);
  }
  return out;
}

function nearest(share: number, size: number): number {
  // Beyond its ends a picture is repeated; an end itself is one.
  const inside = share >= 0 && share <= 1 ? share : share - Math.floor(share);
  return Math.min(size - 1, Math.floor(inside * size));
}

async function pixelsOf({ bytes }: Picture) {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
