/** The quantized-mesh decoder of 3DTilesRendererJS, whose base class is not in the package's types. */
import * as plugins from '3d-tiles-renderer/core/plugins';

export interface RendererTile {
  readonly indices: ArrayLike<number> & Iterable<number>;
  /** Shares of 32767, single precision. */
  readonly vertexData: {
    readonly u: Float32Array;
    readonly v: Float32Array;
    readonly height: Float32Array;
  };
  readonly extensions: { readonly metadata?: { readonly json: unknown } };
}

const { QuantizedMeshLoaderBase } = plugins as unknown as {
  QuantizedMeshLoaderBase: new () => { parse(buffer: ArrayBuffer): RendererTile };
};

/** Decodes a plain tile. */
export function decodeWith3dTilesRenderer(plain: Uint8Array): RendererTile {
  return new QuantizedMeshLoaderBase().parse(Uint8Array.from(plain).buffer);
}
