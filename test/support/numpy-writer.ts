/** NumPy files for tests, byte by byte: the array interface's header (format 1.0 or 2.0) and the elements as given. */

export interface NumpyArray {
  /** `<i2`, `>f4`, ... */
  readonly descr: string;
  readonly shape: readonly number[];
  readonly fortran?: boolean | undefined;
  readonly bytes: Uint8Array;
  readonly version?: 1 | 2 | undefined;
}

export function npyOf({ descr, shape, fortran = false, bytes, version = 1 }: NumpyArray): Buffer {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${sides}), }`;
  const fixed = version === 1 ? 10 : 12;
  const length = Math.ceil((fixed + text.length + 1) / 64) * 64 - fixed;
  const head = Buffer.alloc(fixed);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(length, 8);
  else head.writeUInt32LE(length, 8);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1'), bytes]);
}

/** Elements of a type as bytes in the order of `descr`. */
export function elementsOf(descr: string, values: readonly number[]): Buffer {
  const size = Number(descr.slice(2));
  const bytes = Buffer.alloc(size * values.length);
  const little = descr[0] !== '>';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const [i, value] of values.entries()) {
    const at = i * size;
    switch (descr.slice(1)) {
      case 'i1':
        view.setInt8(at, value);
        break;
      case 'u1':
        view.setUint8(at, value);
        break;
      case 'i2':
        view.setInt16(at, value, little);
        break;
      case 'u2':
        view.setUint16(at, value, little);
        break;
      case 'i4':
        view.setInt32(at, value, little);
        break;
      case 'u4':
        view.setUint32(at, value, little);
        break;
      case 'i8':
        view.setBigInt64(at, BigInt(value), little);
        break;
      case 'u8':
        view.setBigUint64(at, BigInt(value), little);
        break;
      case 'f2':
        view.setUint16(at, halfOf(value), little);
        break;
      case 'f4':
        view.setFloat32(at, value, little);
        break;
      default:
        view.setFloat64(at, value, little);
    }
  }
  return bytes;
}

/** IEEE 754 binary16 of a number that it holds exactly, within its normal range, or of 0 and NaN. */
function halfOf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = (Math.abs(value) / 2 ** exponent - 1) * 1024;
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}
