/**
 * What a tile says of itself, as glTF's EXT_structural_metadata: a property table of one row, and, where clients let
 * their users ask for it, EXT_mesh_features with that row for every vertex.
 */
import { bytesOf, type GlbParts } from './glb-parts.ts';
import type { GlbOptions } from './terrain-glb.ts';

type Statement = NonNullable<GlbOptions['statement']>;

const METADATA = 'EXT_structural_metadata';

/** The value of the document's `extensions`. */
export function addStatement(parts: GlbParts, statement: Statement): object {
  parts.useExtension(METADATA, 'used');
  const { sources, minHeight, maxHeight, maxErrorMetres } = statement;
  const text = new TextEncoder().encode(sources);
  const numbers = {
    minimumHeightMetres: minHeight,
    maximumHeightMetres: maxHeight,
    ...(maxErrorMetres === undefined ? {} : { maximumErrorMetres: maxErrorMetres }),
  };
  const properties: Record<string, object> = {};
  const values: Record<string, object> = {};
  for (const [name, value] of Object.entries(numbers)) {
    properties[name] = { type: 'SCALAR', componentType: 'FLOAT32' };
    values[name] = { values: parts.addView(bytesOf(Float32Array.of(value)), { align: 8 }) };
  }
  if (text.length > 0) {
    properties.sources = { type: 'STRING' };
    values.sources = {
      values: parts.addView(text, { align: 8 }),
      stringOffsets: parts.addView(bytesOf(Uint32Array.of(0, text.length)), { align: 8 }),
    };
  }
  return {
    [METADATA]: {
      schema: { id: 'relievo', classes: { tile: { properties } } },
      propertyTables: [{ class: 'tile', count: 1, properties: values }],
    },
  };
}
