/** A layer whose tiles lie ready in a folder, made by `relievo build` or by another tool; cut to the asked form on the way out. */
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { adoptLayerJson, isOurLayerJson } from '../catalog/adopt-layer-json.ts';
import type { LayerJson } from '../catalog/layer-json.ts';
import { QUALITY_SCHEMA, type QualityJson } from '../catalog/quality-json.ts';
import { cutVariant } from '../encode/cut-variant.ts';
import { EXTENSION_NAMES } from '../encode/extension-name.ts';
import { RelievoError } from '../error.ts';
import type { TileId } from '../geo/tiling-scheme.ts';
import { type DirectoryReader, openDirectory, parseObject } from '../store/directory-reader.ts';
import { etagOf } from './etag.ts';
import type { Layer } from './layer.ts';

export interface BuiltLayerOptions {
  /** What stands in addresses; the folder's name by default. */
  readonly name?: string | undefined;
}

/**
 * Opens a folder of quantized-mesh tiles. Throws `input-missing` when there is no such folder or no layer.json in it,
 * `input-invalid` for a broken layer.json, `input-unsupported` for tiles that are no quantized-mesh in EPSG:4326, `usage`
 * for a name that cannot stand in an address.
 *
 * ETags: Relievo's own `version` names sources, options and encoder, so layer.json, address and variant decide and no
 * file is looked at. Another tool's tiles may be replaced under the same layer.json, so their size and time join in: one
 * `stat` for each request, without waiting, because a wrong 304 costs more than that.
 */
export async function openBuiltLayer(folder: string, { name }: BuiltLayerOptions = {}): Promise<Layer> {
  const reader = await openDirectory(folder);
  const where = join(reader.folder, 'layer.json');
  const bytes = await reader.readDocument('layer.json');
  if (!bytes) throw new RelievoError('input-missing', `there is no layer.json in ${reader.folder} any more`, { where });
  const id = name ?? layerNameOf(reader.folder);
  if (!isLayerName(id)) {
    const message = `expected a layer name of a-z, 0-9, ".", "_" and "-" that begins with a letter or digit, got "${id}"`;
    throw new RelievoError('usage', message);
  }

  const raw = parseObject(bytes, where);
  const ours = isOurLayerJson(raw);
  const document: LayerJson = ours
    ? raw
    : await adoptLayerJson(raw, { name: basename(reader.folder), where, entries: () => reader.entries() });
  const offered = EXTENSION_NAMES.filter((known) => document.extensions.includes(known));
  // Only our own document is trusted to name all that its tiles hold, and only while all of it is known here: a later
  // Relievo may have written more.
  const holds = ours && offered.length === document.extensions.length ? offered : undefined;
  const identity = createHash('sha256').update(bytes).digest('base64url');

  return {
    name: id,
    title: document.name || basename(reader.folder),
    kind: 'built',
    document,
    quality: ours ? await readQuality(reader, document) : undefined,
    async make(tile, variant, { signal } = {}) {
      const stored = await reader.read(tile, { signal });
      return stored && cutVariant(stored, variant, { holds, signal, where: `${tile.z}/${tile.x}/${tile.y} of ${id}` });
    },
    etag: (tile, variant) => etagOf(identity, tile, variant, ours ? '' : stampText(reader, tile)),
    async close() {},
  };
}

/** None where it is not there, was written by a later Relievo, or belongs to other tiles. Throws `input-invalid` for no JSON. */
async function readQuality(reader: DirectoryReader, { version }: LayerJson): Promise<QualityJson | undefined> {
  const bytes = await reader.readDocument('quality.json');
  if (bytes === undefined) return undefined;
  const found = parseObject(bytes, join(reader.folder, 'quality.json')) as Partial<QualityJson>;
  return found.schema === QUALITY_SCHEMA && found.layer?.version === version ? (found as QualityJson) : undefined;
}

function stampText(reader: DirectoryReader, tile: TileId): string {
  const stamp = reader.stamp(tile);
  return stamp ? `${stamp.bytes}@${stamp.modifiedMs}` : 'none';
}

/** Whether the text can stand in addresses as a layer's name. */
export function isLayerName(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,99}$/.test(text);
}

/** A layer name made from a file's or folder's name: small letters, no accents, what is left over becomes a hyphen. */
export function layerNameOf(path: string): string {
  const plain = basename(path).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const name = plain
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 100);
  return name === '' ? 'terrain' : name;
}
