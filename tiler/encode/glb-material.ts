/**
 * What a tile of terrain looks like: a picture, shown as it is (KHR_materials_unlit: a photograph brings its own light),
 * or one neutral colour that the client lights.
 */
import { RelievoError } from '../error.ts';
import { linearOf, NEUTRAL_COLOUR } from './colour.ts';
import type { GlbParts } from './glb-parts.ts';
import type { GlbProfile, TilePicture } from './terrain-glb.ts';

const UNLIT = 'KHR_materials_unlit';
const WEBP = 'EXT_texture_webp';

/** Linear, as glTF has factors. */
const NEUTRAL = [...linearOf(NEUTRAL_COLOUR), 1];

/** OpenGL's numbers; without CLAMP_TO_EDGE the opposite border would shine through at each tile's own. */
const SAMPLER = { magFilter: 9729, minFilter: 9987, wrapS: 33071, wrapT: 33071 };

/** The document's materials and what they need. */
export function addMaterial(parts: GlbParts, picture: TilePicture | undefined, profile: GlbProfile): object {
  const matt = { metallicFactor: 0, roughnessFactor: 1 };
  if (picture === undefined) return { materials: [{ pbrMetallicRoughness: { baseColorFactor: NEUTRAL, ...matt } }] };
  const webp = picture.type === 'image/webp';
  if (webp && profile === 'gis') {
    throw new RelievoError('input-unsupported', 'The profile gis was given a WebP picture; it needs JPEG');
  }
  parts.useExtension(UNLIT, 'used');
  if (webp) parts.useExtension(WEBP, 'required');
  return {
    materials: [{ pbrMetallicRoughness: { baseColorTexture: { index: 0 }, ...matt }, extensions: { [UNLIT]: {} } }],
    textures: [{ sampler: 0, ...(webp ? { extensions: { [WEBP]: { source: 0 } } } : { source: 0 }) }],
    samplers: [SAMPLER],
    images: [{ bufferView: parts.addView(picture.bytes), mimeType: picture.type }],
  };
}
