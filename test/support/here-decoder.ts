/** HERE's quantized-mesh decoder, which ships without types. It changes the buffer that it reads, so it gets a copy. */
import { createRequire } from 'node:module';

export interface HereTile {
  readonly header: Readonly<Record<string, number>>;
  /** u, v and height planes, one after the other. */
  readonly vertexData: Uint16Array;
  readonly triangleIndices: Uint16Array | Uint32Array;
  readonly westIndices: ArrayLike<number>;
  readonly southIndices: ArrayLike<number>;
  readonly eastIndices: ArrayLike<number>;
  readonly northIndices: ArrayLike<number>;
  readonly extensions: {
    readonly vertexNormals?: Uint8Array;
    readonly waterMask?: Uint8Array | ArrayBuffer;
    readonly metadata?: unknown;
  };
}

const load = createRequire(import.meta.url);
const { default: decode } = load('@here/quantized-mesh-decoder') as { default: (buffer: ArrayBuffer) => HereTile };

/** Decodes a plain tile. */
export function decodeWithHere(plain: Uint8Array): HereTile {
  return decode(Uint8Array.from(plain).buffer);
}
