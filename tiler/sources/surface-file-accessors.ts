/** What a glTF 2.0 accessor says (section 3.6.2): numbers of any component type, interleaved, normalised or sparse, as doubles. */

export interface GltfAccessor {
  readonly bufferView?: number;
  readonly byteOffset?: number;
  readonly componentType: number;
  readonly count: number;
  readonly type: string;
  readonly normalized?: boolean;
  readonly sparse?: {
    readonly count: number;
    readonly indices: { readonly bufferView: number; readonly byteOffset?: number; readonly componentType: number };
    readonly values: { readonly bufferView: number; readonly byteOffset?: number };
  };
}

/** The bytes of a buffer view, unpacked, and how far apart its elements lie. */
export type ViewBytes = (index: number) => { readonly bytes: Uint8Array; readonly stride: number | undefined };

interface Component {
  readonly bytes: number;
  /** What normalised integers are divided by. */
  readonly most: number;
  read(view: DataView, at: number): number;
}

const COMPONENTS: Readonly<Record<number, Component>> = {
  5120: { bytes: 1, most: 127, read: (view, at) => view.getInt8(at) },
  5121: { bytes: 1, most: 255, read: (view, at) => view.getUint8(at) },
  5122: { bytes: 2, most: 32767, read: (view, at) => view.getInt16(at, true) },
  5123: { bytes: 2, most: 65535, read: (view, at) => view.getUint16(at, true) },
  5125: { bytes: 4, most: 1, read: (view, at) => view.getUint32(at, true) },
  5126: { bytes: 4, most: 1, read: (view, at) => view.getFloat32(at, true) },
};

const WIDTHS: Readonly<Record<string, number>> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };

/** 1 GB as doubles: what one accessor may have, and all positions of a surface. */
export const MOST_NUMBERS = 2 ** 27;

/**
 * All numbers, element by element; undefined when the accessor does not fit its buffer, has none, has more than
 * `MOST_NUMBERS` or is of another kind.
 */
export function readAccessor(accessor: GltfAccessor, viewOf: ViewBytes, width: number): Float64Array | undefined {
  const component = COMPONENTS[accessor.componentType];
  if (component === undefined || WIDTHS[accessor.type] !== width) return undefined;
  const total = accessor.count * width;
  if (!Number.isInteger(total) || total < 0 || total > MOST_NUMBERS) return undefined;
  const view = accessor.bufferView === undefined ? undefined : viewOf(accessor.bufferView);
  // Zeros, as many as it likes, would cost a hostile file nothing: only those that others are laid over are read.
  if (view === undefined && accessor.sparse === undefined) return undefined;
  const { bytes: dense = new Uint8Array(), stride = component.bytes * width } = view ?? {};
  const begin = accessor.byteOffset ?? 0;
  if (view && !fits(dense, begin, stride, accessor.count)) return undefined;
  const out = new Float64Array(total);
  if (view) copy(dense, begin, stride, accessor.count, (i) => i);
  return accessor.sparse && !lay(accessor.sparse) ? undefined : out;

  function fits(bytes: Uint8Array, at: number, stride: number, count: number, size = component.bytes * width): boolean {
    return count >= 0 && at >= 0 && stride >= size && (count === 0 || at + (count - 1) * stride + size <= bytes.length);
  }

  function lay({ count, indices, values }: NonNullable<GltfAccessor['sparse']>): boolean {
    const kind = COMPONENTS[indices.componentType];
    if (kind === undefined) return false;
    const where = viewOf(indices.bufferView).bytes;
    const at = indices.byteOffset ?? 0;
    if (!fits(where, at, kind.bytes, count, kind.bytes)) return false;
    const view = new DataView(where.buffer, where.byteOffset, where.length);
    const { bytes } = viewOf(values.bufferView);
    const begin = values.byteOffset ?? 0;
    if (!fits(bytes, begin, component.bytes * width, count)) return false;
    copy(bytes, begin, component.bytes * width, count, (i) => kind.read(view, at + i * kind.bytes));
    return true;
  }

  function copy(
    bytes: Uint8Array,
    begin: number,
    stride: number,
    count: number,
    place: (element: number) => number,
  ): void {
    const { bytes: size, most, read } = component;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const scale = accessor.normalized ? 1 / most : 1;
    for (let i = 0; i < count; i++) {
      const to = place(i) * width;
      for (let k = 0; k < width; k++) {
        out[to + k] = Math.max(read(view, begin + i * stride + k * size) * scale, accessor.normalized ? -1 : -Infinity);
      }
    }
  }
}
