/** Materials of glTF tiles with their pictures as they came; WebP and AVIF become JPEG, or PNG where they are seen through. */
import sharp from 'sharp';
import { RelievoError } from '../error.ts';
import type { Gltf, GltfImage, GltfMaterial, GltfTexture } from './gltf-piece.ts';
import { type Material, type Picture, PLAIN, REPEAT } from './piece.ts';
import { nameOf, type Place, referTo } from './place.ts';

export interface Materials {
  /** `known`: those of the file that were asked for before. */
  of(
    material: GltfMaterial | undefined,
    gltf: Gltf,
    url: URL,
    known: Map<object, Promise<Material>>,
    signal: AbortSignal,
  ): Promise<Material>;
}

const JPEG_QUALITY = 92;

/** `leave` is told of pictures that cannot be used. */
export function openMaterials(place: Place, leave: (what: string) => void): Materials {
  return {
    async of(material, gltf, url, known, signal) {
      if (!material) return PLAIN;
      const found = known.get(material) ?? read(material, gltf, url, signal);
      known.set(material, found);
      return found;
    },
  };

  async function read(material: GltfMaterial, gltf: Gltf, url: URL, signal: AbortSignal): Promise<Material> {
    const { baseColorFactor, baseColorTexture } = material.pbrMetallicRoughness ?? {};
    const texture = baseColorTexture?.texture;
    const sampler = texture?.sampler;
    const wrapOf = (own: number | undefined, code: string) => own ?? sampler?.parameters?.[code] ?? REPEAT;
    const [red, green, blue, opacity = 1] = baseColorFactor ?? [1, 1, 1, 1];
    return {
      colour: [red, green, blue, opacity],
      picture: texture && (await pictureOf(texture, gltf, url, signal)),
      wrap: [wrapOf(sampler?.wrapS, '10242'), wrapOf(sampler?.wrapT, '10243')],
    };
  }

  async function pictureOf(
    texture: GltfTexture,
    gltf: Gltf,
    url: URL,
    signal: AbortSignal,
  ): Promise<Picture | undefined> {
    const other = texture.extensions?.EXT_texture_webp?.source ?? texture.extensions?.EXT_texture_avif?.source;
    const image = other === undefined ? texture.source : gltf.images?.[other];
    const bytes = image && (await bytesOf(image, url, signal));
    if (!bytes) {
      leave('pictures that are not there, or of a kind that cannot be read (KTX2)');
      return undefined;
    }
    const picture = await asPicture(bytes);
    if (!picture) leave('pictures that are broken, or of a kind that cannot be read (KTX2)');
    return picture;
  }

  async function bytesOf(image: GltfImage, url: URL, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (image.bufferView) return image.bufferView.data;
    if (image.uri === undefined) return undefined;
    const inline = /^data:[^,]*;base64,(.*)$/s.exec(image.uri)?.[1];
    if (inline !== undefined) return Buffer.from(inline, 'base64');
    const address = referTo(place, url, image.uri);
    const bytes = await place.read(address, { signal });
    if (bytes) return bytes;
    throw new RelievoError('input-missing', `The picture ${nameOf(address)} is not there; check the tileset.`, {
      where: place.shown,
    });
  }
}

/** Undefined for what sharp cannot read. */
async function asPicture(bytes: Uint8Array): Promise<Picture | undefined> {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return { bytes, type: 'image/jpeg' };
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return { bytes, type: 'image/png' };
  try {
    const image = sharp(bytes);
    const { hasAlpha } = await image.metadata();
    if (hasAlpha && !(await image.stats()).isOpaque) return { bytes: await image.png().toBuffer(), type: 'image/png' };
    return { bytes: await image.removeAlpha().jpeg({ quality: JPEG_QUALITY }).toBuffer(), type: 'image/jpeg' };
  } catch {
    return undefined;
  }
}
