/** A small sound quantized-mesh tile written by hand, byte by byte, for tests that must not depend on the encoder. */

export interface HandMadeTile {
  /** At least 4: the corners; further vertices lie on the south-west corner and are used by no triangle. */
  readonly vertices?: number;
  readonly extensions?: readonly { readonly id: number; readonly payload: Uint8Array }[];
  /** As the old `vertexnormals` tiles had them. */
  readonly bigEndianLengths?: boolean;
}

/** Two triangles over tile 0/0/0 (west half of the globe), heights 0 to 100 m. */
export function handMadeTile({
  vertices = 4,
  extensions = [],
  bigEndianLengths = false,
}: HandMadeTile = {}): Uint8Array {
  const wide = vertices > 65536;
  const width = wide ? 4 : 2;
  const meshStart = 92 + 6 * vertices;
  const padding = wide ? (4 - (meshStart % 4)) % 4 : 0;
  const meshBytes = 4 + 6 * width + 4 * (4 + 2 * width);
  const extensionBytes = extensions.reduce((sum, { payload }) => sum + 5 + payload.length, 0);
  const bytes = new Uint8Array(meshStart + padding + meshBytes + extensionBytes);
  const view = new DataView(bytes.buffer);

  const centre = [0, -6378137, 0];
  for (const [i, value] of [...centre, 0, ...centre, 9_100_000, 0, -1e6, 0].entries()) {
    // Minimum and maximum height are two float32 in the place of a fourth float64.
    if (i !== 3) view.setFloat64(8 * i, value, true);
  }
  view.setFloat32(24, 0, true);
  view.setFloat32(28, 100, true);
  view.setUint32(88, vertices, true);
  const planes = [
    [0, 32767, 32767, 0],
    [0, 0, 32767, 32767],
    [0, 0, 32767, 32767],
  ];
  for (const [plane, values] of planes.entries()) {
    let last = 0;
    for (let i = 0; i < vertices; i++) {
      const step = (values[i] ?? 0) - last;
      last += step;
      view.setUint16(92 + 2 * (plane * vertices + i), step >= 0 ? 2 * step : -2 * step - 1, true);
    }
  }

  let at = meshStart + padding;
  const index = (value: number) => {
    if (wide) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += width;
  };
  const count = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  count(2);
  // South-west, south-east, north-east; south-west, north-east, north-west: high-water-mark coded.
  for (const code of [0, 0, 0, 3, 1, 0]) index(code);
  for (const [first, second] of [
    [0, 3],
    [0, 1],
    [1, 2],
    [3, 2],
  ] as const) {
    count(2);
    index(first);
    index(second);
  }
  for (const { id, payload } of extensions) {
    view.setUint8(at, id);
    view.setUint32(at + 1, payload.length, !bigEndianLengths);
    bytes.set(payload, at + 5);
    at += 5 + payload.length;
  }
  return bytes;
}

/** Normals that point up at longitude -90, latitude 0, oct-encoded, for so many vertices. */
export function handMadeNormals(vertices = 4): { id: number; payload: Uint8Array } {
  return { id: 1, payload: Uint8Array.from({ length: 2 * vertices }, (_, i) => (i % 2 === 0 ? 128 : 0)) };
}
