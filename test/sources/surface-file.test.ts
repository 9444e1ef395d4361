/** Surfaces from files: the same patch as GLB, glTF and OBJ, transforms, packed buffers, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UnplacedSurface } from '../../tiler/geo/surface-mesh.ts';
import { buildSurface } from '../../tiler/pyramid/build-surface.ts';
import { readSurfaceFile } from '../../tiler/sources/surface-file.ts';
import { readAccessor } from '../../tiler/sources/surface-file-accessors.ts';
import { packDraco } from '../support/draco-glb.ts';
import { makePatch, makePicture, patchAsGlb, writePatchAsObj } from '../support/surface-files.ts';

const PATCH = makePatch(20);

let folder: string;
let picture: Uint8Array;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'relievo-test-'));
  picture = await makePicture(64, 64);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Position and uv of each corner. */
function cornersOf({ triangles, positions, uv }: UnplacedSurface): number[][] {
  return Array.from(triangles, (k) => [...positions.subarray(3 * k, 3 * k + 3), ...uv.subarray(2 * k, 2 * k + 2)]);
}

describe('the same surface', () => {
  it('comes from a GLB, and from an OBJ with its .mtl and a picture whose name has a space', async () => {
    const glb = await readSurfaceFile(write('patch.glb', patchAsGlb(PATCH, picture)), 'y');
    const obj = await readSurfaceFile(await writePatchAsObj(folder, 'patch', PATCH, picture), 'y');
    expect(glb.surface.triangles).toHaveLength(19 * 19 * 6);
    expect(obj.surface.materials[0].picture?.bytes).toEqual(Buffer.from(picture));
    const [a, b] = [cornersOf(glb.surface), cornersOf(obj.surface)];
    for (const [i, corner] of a.entries())
      for (const [k, value] of corner.entries()) expect(b[i][k]).toBeCloseTo(value, 6);
    expect([...glb.warnings, ...obj.warnings]).toEqual([]);
  });

  it('has x east, y up and z south, or with --up z the axes as they are', async () => {
    const path = write('up.glb', patchAsGlb(PATCH, picture));
    const [x, y, z] = PATCH.positions;
    expect([...(await readSurfaceFile(path, 'y')).surface.positions.subarray(0, 3)]).toEqual([x, -z, y]);
    expect([...(await readSurfaceFile(path, 'z')).surface.positions.subarray(0, 3)]).toEqual([x, y, z]);
  });

  it('is flattened: nodes below nodes, and one that mirrors keeps its outside', async () => {
    const nodes = [
      { children: [1, 2], translation: [100, 0, 0] },
      { mesh: 0, rotation: [0, Math.SQRT1_2, 0, Math.SQRT1_2], scale: [2, 2, 2] },
      { mesh: 0, scale: [-1, 1, 1] },
    ];
    const { surface } = await readSurfaceFile(write('nodes.glb', patchAsGlb(PATCH, picture, { nodes })), 'y');
    const [x, y, z] = PATCH.positions;
    // A quarter turn about y takes x to -z and z to x.
    expect(surface.positions[0]).toBeCloseTo(100 + 2 * z, 4);
    expect(surface.positions[1]).toBeCloseTo(2 * x, 4);
    expect(surface.positions[2]).toBeCloseTo(2 * y, 4);
    for (const half of [0, surface.triangles.length / 2]) {
      const [a, b, c] = [0, 1, 2].map((k) => surface.positions.subarray(3 * surface.triangles[half + k]));
      const up = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
      expect(up).toBeGreaterThan(0);
    }
  });

  it('comes back from our own tiles, which are packed by EXT_meshopt_compression', async () => {
    const { surface } = await readSurfaceFile(write('own.glb', patchAsGlb(PATCH, picture)), 'y');
    const out = join(folder, 'own');
    await buildSurface({ ...surface, frame: { lon: 7, lat: 46, height: 0, heading: 0 } }, { out });
    const again = await readSurfaceFile(join(out, 'tiles/0/0.glb'), 'y');
    expect(again.surface.triangles).toHaveLength(surface.triangles.length);
    const heights = ({ positions }: UnplacedSurface) => positions.filter((_, i) => i % 3 === 2).sort();
    for (const [i, value] of heights(again.surface).entries()) expect(value).toBeCloseTo(heights(surface)[i], 3);
  });
});

describe('Draco', () => {
  it('is unpacked without anything from the web', async () => {
    const surface = (await readSurfaceFile(write('draco.glb', await packDraco(PATCH, picture)), 'y')).surface;
    expect(surface.triangles).toHaveLength(PATCH.triangles.length);
    const high = (values: ArrayLike<number>, axis: number) =>
      Array.from(values).reduce((most, value, i) => (i % 3 === axis ? Math.max(most, value) : most), -Infinity);
    // 14 bits over 500 m.
    expect(Math.abs(high(surface.positions, 2) - high(PATCH.positions, 1))).toBeLessThan(0.04);
    const reds = Array.from(surface.uv.filter((_, i) => i % 2 === 0));
    expect(Math.max(...reds)).toBeCloseTo(1, 2);
  });
});

describe('is refused, and says why', () => {
  const obj = 'v 0 0 0\nv 1 0 0\nv 0 0 1\n';
  const cases: [name: string, content: () => Uint8Array | string, says: RegExp][] = [
    ['text.glb', () => 'hello, this is no GLB at all', /not a GLB/],
    ['cut.glb', () => patchAsGlb(PATCH, picture).subarray(0, 5000), /cut off: 5000 of \d+ bytes/],
    [
      'nan.glb',
      () => patchAsGlb({ ...PATCH, positions: PATCH.positions.map((v, i) => (i === 31 ? NaN : v)) }),
      /Vertex 10 .* no number \(NaN\)/,
    ],
    [
      'beyond.glb',
      () => patchAsGlb({ ...PATCH, triangles: PATCH.triangles.map((v, i) => (i === 5 ? 400 : v)) }),
      /vertex 400 of a mesh that has 400/,
    ],
    [
      'points.glb',
      () => patchAsGlb(PATCH, picture, { meshes: [{ primitives: [{ attributes: { POSITION: 0 }, mode: 0 }] }] }),
      /no triangles/,
    ],
    [
      'basis.glb',
      () => patchAsGlb(PATCH, picture, { extensionsRequired: ['KHR_texture_basisu'] }),
      /KHR_texture_basisu, which is not read/,
    ],
    ['loop.glb', () => patchAsGlb(PATCH, picture, { nodes: [{ mesh: 0, children: [0] }] }), /its own ancestor/],
    [
      'away.gltf',
      () => JSON.stringify({ asset: { version: '2.0' }, buffers: [{ uri: 'gone.bin', byteLength: 4 }] }),
      /needs gone.bin, which is not there/,
    ],
    [
      'out.gltf',
      () => JSON.stringify({ asset: { version: '2.0' }, buffers: [{ uri: '../x.bin', byteLength: 4 }] }),
      /outside its own folder/,
    ],
    [
      'many.glb',
      () => withAccessor({ count: 3e9 }),
      /Accessor 0 \(POSITION\) has 3000000000 elements; at most \d+ are/,
    ],
    ['zeros.glb', () => withAccessor({ bufferView: undefined, count: 4e7 }), /Accessor 0 .* has none/],
    ['short.glb', () => withAccessor({ count: 401 }), /Accessor 0 \(POSITION\) does not fit its buffer/],
    ['back.glb', () => withAccessor({ byteOffset: -8 }), /Accessor 0 \(POSITION\) does not fit its buffer/],
    [
      'deep.glb',
      () => patchAsGlb(PATCH, picture, { nodes: Array.from({ length: 20_000 }, (_, i) => ({ children: [i + 1] })) }),
      /more than 1000 deep/,
    ],
    ['old.gltf', () => JSON.stringify({ asset: { version: '1.0' } }), /glTF 1.0; version 2/],
    ['broken.obj', () => `${obj}f 1 2 x`, /Line 4 names number x of 3/],
    ['far.obj', () => `${obj}f 1 2 9`, /Line 4 names number 9 of 3/],
    ['nan.obj', () => 'v 0 nan 0', /Line 1 has 3 numbers to give/],
    ['none.obj', () => obj, /no triangles/],
    ['lib.obj', () => `mtllib gone.mtl\n${obj}f 1 2 3`, /needs gone.mtl, which is not there/],
  ];
  /** The patch with other words in the accessor of its positions. */
  function withAccessor(changes: object): Uint8Array {
    const accessors = [
      { bufferView: 0, componentType: 5126, count: 400, type: 'VEC3', ...changes },
      { bufferView: 1, componentType: 5126, count: 400, type: 'VEC2' },
      { bufferView: 2, componentType: 5125, count: PATCH.triangles.length, type: 'SCALAR' },
    ];
    return patchAsGlb(PATCH, picture, { accessors });
  }

  it('elements that all lie in one place', () => {
    const accessor = { bufferView: 0, componentType: 5126, count: 2 ** 20, type: 'VEC3' };
    expect(readAccessor(accessor, () => ({ bytes: new Uint8Array(12), stride: 0 }), 3)).toBeUndefined();
  });

  it('a buffer at an address, without asking for it', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end('1234');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.bin`;
      const path = write('web.gltf', JSON.stringify({ asset: { version: '2.0' }, buffers: [{ uri, byteLength: 4 }] }));
      await expect(readSurfaceFile(path, 'y')).rejects.toMatchObject({
        code: 'input-unsupported',
        message: expect.stringContaining(`names ${uri}, which is not fetched`),
      });
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  });

  it.each(cases)('%s', async (name, content, says) => {
    const path = write(name, content());
    await expect(readSurfaceFile(path, 'y')).rejects.toMatchObject({
      name: 'RelievoError',
      message: expect.stringMatching(says),
      where: path,
    });
  });

  it('a file that is not there', async () => {
    await expect(readSurfaceFile(join(folder, 'no.glb'), 'y')).rejects.toMatchObject({ code: 'input-missing' });
  });
});

describe('a build that fails', () => {
  it('leaves nothing: a picture that is none, and a scene that lies in the coordinates of a map', async () => {
    const frame = { lon: 7, lat: 46, height: 0, heading: 0 };
    const out = join(folder, 'failed');
    const bad = await readSurfaceFile(write('bad.glb', patchAsGlb(PATCH, new TextEncoder().encode('no picture'))), 'y');
    await expect(buildSurface({ ...bad.surface, frame }, { out })).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringContaining('picture cannot be read'),
    });
    const far = { ...bad.surface, frame, positions: bad.surface.positions.map((value) => value + 2_600_000) };
    await expect(buildSurface(far, { out })).rejects.toMatchObject({ message: expect.stringContaining('2600 km') });
    await expect(readSurfaceFile(join(out, 'tileset.json'), 'y')).rejects.toMatchObject({ code: 'input-missing' });
  });
});
