/** Entity tags of tiles (RFC 9110, 8.8.3): strong, and known without reading or making the tile. */
import { createHash } from 'node:crypto';
import type { TileId } from '../geo/tiling-scheme.ts';
import type { Variant } from './layer.ts';

/**
 * `identity` names sources, options and encoder of the whole layer; `stamp` whatever else this one tile's bytes hang on.
 * The coding stands at the end, because each coding of a tile is a representation of its own.
 */
export function etagOf(identity: string, { z, x, y }: TileId, { extensions, coding }: Variant, stamp = ''): string {
  const text = [identity, z, x, y, extensions.join('-'), stamp].join('\n');
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}-${coding}"`;
}
