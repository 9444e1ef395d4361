/** A scene as one binary glTF 2.0 file: y up, so that east is x and south is z; pictures inside, as they came. */
import { bytesOf, COMPONENT, GlbParts, TARGET } from '../encode/glb-parts.ts';
import type { Picture } from './piece.ts';
import { type Scene, type ScenePart, sceneStatement } from './scene.ts';

const MOST_SHORT_VERTICES = 65535;
const REPEATED_LINEAR = { magFilter: 9729, minFilter: 9987 };

export function writeGlb(scene: Scene): Uint8Array {
  const parts = new GlbParts();
  const pictures = new Map<Picture, number>();
  const images: object[] = [];
  const samplers: object[] = [];
  const textures: object[] = [];
  const materials: object[] = [];
  const primitives = scene.parts.map((part) => ({ ...geometryOf(parts, part), material: materialOf(part) }));
  const { origin, box } = scene;
  const document = {
    asset: {
      version: '2.0',
      generator: 'Relievo',
      copyright: scene.attribution.length > 0 ? scene.attribution.join('; ') : undefined,
      extras: {
        relievo: {
          origin,
          frame: 'x east, y up, z south, metres',
          bounds: [box.west, box.south, box.east, box.north],
          statement: sceneStatement(scene, 'x east, y up, z south'),
        },
      },
    },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, name: 'surface' }],
    meshes: [{ primitives, name: 'surface' }],
    materials,
    ...(images.length > 0 && { images, samplers, textures }),
  };
  return parts.finish(document);

  function materialOf({ material }: ScenePart): number {
    const { picture, colour, wrap } = material;
    return (
      materials.push({
        pbrMetallicRoughness: {
          baseColorFactor: colour,
          ...(picture && { baseColorTexture: { index: textureOf(picture, wrap) } }),
          metallicFactor: 0,
          roughnessFactor: 1,
        },
        alphaMode: colour[3] < 1 ? 'BLEND' : undefined,
        doubleSided: true,
      }) - 1
    );
  }

  function textureOf(picture: Picture, [wrapS, wrapT]: readonly number[]): number {
    let source = pictures.get(picture);
    if (source === undefined) {
      source = images.push({ bufferView: parts.addView(picture.bytes), mimeType: picture.type }) - 1;
      pictures.set(picture, source);
    }
    samplers.push({ ...REPEATED_LINEAR, wrapS, wrapT });
    return textures.push({ source, sampler: samplers.length - 1 }) - 1;
  }
}

function geometryOf(parts: GlbParts, { positions, normals, uv, triangles }: ScenePart): object {
  const count = positions.length / 3;
  const places = yUp(positions);
  const least = [Infinity, Infinity, Infinity];
  const greatest = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < places.length; i++) {
    least[i % 3] = Math.min(least[i % 3], places[i]);
    greatest[i % 3] = Math.max(greatest[i % 3], places[i]);
  }
  const vectors = (values: Float32Array, type: 'VEC2' | 'VEC3', range: object = {}) =>
    parts.addAccessor({
      bufferView: parts.addView(bytesOf(values), { target: TARGET.vertices }),
      componentType: COMPONENT.float32,
      count,
      type,
      ...range,
    });
  const short = count <= MOST_SHORT_VERTICES;
  const indices = parts.addAccessor({
    bufferView: parts.addView(bytesOf(short ? Uint16Array.from(triangles) : triangles), { target: TARGET.indices }),
    componentType: short ? COMPONENT.uint16 : COMPONENT.uint32,
    count: triangles.length,
    type: 'SCALAR',
  });
  return {
    attributes: {
      POSITION: vectors(places, 'VEC3', { min: least, max: greatest }),
      ...(normals && { NORMAL: vectors(yUp(normals), 'VEC3') }),
      ...(uv && { TEXCOORD_0: vectors(uv, 'VEC2') }),
    },
    indices,
    mode: 4,
  };
}

/** East, north, up to east, up, south. */
function yUp(values: Float64Array | Float32Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i += 3) {
    out[i] = values[i];
    out[i + 1] = values[i + 2];
    out[i + 2] = -values[i + 1];
  }
  return out;
}
