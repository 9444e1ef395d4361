/**
 * A tileset of 3D Tiles made by hand with a picture, whose every number is known: a square of 200 m, its west red and its east
 * blue, as b3dm with a centre of its own under a tile's transform. And tilesets that lead elsewhere or are broken.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bytesOf, COMPONENT, GlbParts, TARGET } from '../../tiler/encode/glb-parts.ts';
import { type ExportOptions, exportBox } from '../../tiler/export/export-box.ts';
import { packDraco } from '../support/draco-glb.ts';
import { makePatch, makePicture, PATCH_METRES } from '../support/surface-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ecefOf } from './brute-force.ts';
import { glbFaults, readGlbScene, readObjScene, readPlyScene, sizeOf } from './read-scene.ts';

const LON = 5.69;
const LAT = 50.85;
const HEIGHT = 120;
const HALF = 100;
const METRES_EAST = 111_320 * Math.cos((LAT * Math.PI) / 180);
/** 300 m round the square. */
const AROUND = { west: LON - 0.003, south: LAT - 0.002, east: LON + 0.003, north: LAT + 0.002 };

const signal = new AbortController().signal;
const exportIt = (tileset: string, options: Partial<ExportOptions>) =>
  exportBox(tileset, { box: AROUND, pixels: 64, signal, ...options });

/** East, north and up at the place as columns, then the place: z up to ECEF. */
function placeMatrix(): number[] {
  const [l, p] = [(LON * Math.PI) / 180, (LAT * Math.PI) / 180];
  return [
    ...[-Math.sin(l), Math.cos(l), 0, 0],
    ...[-Math.sin(p) * Math.cos(l), -Math.sin(p) * Math.sin(l), Math.cos(p), 0],
    ...[Math.cos(p) * Math.cos(l), Math.cos(p) * Math.sin(l), Math.sin(p), 0],
    ...[...ecefOf(LON, LAT, HEIGHT), 1],
  ];
}

async function squareGlb(picture?: 'jpeg' | 'webp', shift = 0): Promise<Uint8Array> {
  const parts = new GlbParts();
  const vertices = (values: Float32Array, type: 'VEC2' | 'VEC3', range = {}) =>
    parts.addAccessor({
      bufferView: parts.addView(bytesOf(values), { target: TARGET.vertices }),
      componentType: COMPONENT.float32,
      count: 4,
      type,
      ...range,
    });
  // Y up: x east, z south. The node moves them back by `shift`.
  const corners = [-HALF, HALF].flatMap((x) => [HALF, -HALF].map((z) => [x + shift, 0, z]));
  const attributes = {
    POSITION: vertices(Float32Array.from(corners.flat()), 'VEC3', {
      min: [-HALF + shift, 0, -HALF],
      max: [HALF + shift, 0, HALF],
    }),
    TEXCOORD_0: vertices(Float32Array.from([0, 1, 0, 0, 1, 1, 1, 0]), 'VEC2'),
  };
  const indices = parts.addAccessor({
    bufferView: parts.addView(bytesOf(Uint16Array.from([0, 2, 1, 1, 2, 3])), { target: TARGET.indices }),
    componentType: COMPONENT.uint16,
    count: 6,
    type: 'SCALAR',
  });
  const base = { version: '2.0', copyright: 'Red Ltd;Blue Ltd' };
  const document = {
    asset: base,
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0, translation: [-shift, 0, 0] }],
    meshes: [{ primitives: [{ attributes, indices, ...(picture && { material: 0 }) }] }],
  };
  if (!picture) return parts.finish(document);
  const red = { width: 32, height: 64, channels: 3 as const, background: '#ff0000' };
  const both = sharp({ create: { ...red, width: 64, background: '#0000ff' } }).composite([
    { input: await sharp({ create: red }).png().toBuffer(), left: 0, top: 0 },
  ]);
  const bytes = await both.toFormat(picture, { quality: 100 }).toBuffer();
  const image = { bufferView: parts.addView(bytes), mimeType: `image/${picture}` };
  if (picture === 'webp') parts.useExtension('EXT_texture_webp', 'required');
  const texture = picture === 'webp' ? { extensions: { EXT_texture_webp: { source: 0 } } } : { source: 0 };
  return parts.finish({
    ...document,
    images: [image],
    textures: [texture],
    materials: [{ pbrMetallicRoughness: { baseColorTexture: { index: 0 } } }],
  } as typeof document);
}

/** 3D Tiles 1.0, "Batched 3D Model": the centre stands in the feature table. */
function b3dm(glb: Uint8Array, centre: readonly number[]): Uint8Array {
  let table = JSON.stringify({ BATCH_LENGTH: 0, RTC_CENTER: centre });
  while ((28 + table.length) % 8 !== 0) table += ' ';
  const out = Buffer.alloc(28 + table.length + glb.length);
  out.write('b3dm', 0);
  for (const [i, value] of [1, out.length, table.length, 0, 0, 0].entries()) out.writeUInt32LE(value, 4 + 4 * i);
  out.write(table, 28);
  out.set(glb, 28 + table.length);
  return out;
}

const tilesetOf = (root: object) => ({
  asset: { version: '1.0' },
  geometricError: 100,
  root: { boundingVolume: { sphere: [0, 0, 0, 7e6] }, geometricError: 50, refine: 'REPLACE', ...root },
});
const NEAR = { boundingVolume: { box: [0, 0, 0, 120, 0, 0, 0, 120, 0, 0, 0, 10] } };

describe('a square with a picture', () => {
  /** Coarse: nothing but a square without picture. Fine, in a tileset of its own: with it. */
  async function tileset(picture: 'jpeg' | 'webp'): Promise<string> {
    // The centre is taken back by the transform of the tile.
    const shifted = placeMatrix();
    for (let k = 0; k < 3; k++) shifted[12 + k] -= 10 * shifted[k];
    const whole = tilesetOf({
      children: [
        {
          ...NEAR,
          transform: placeMatrix(),
          geometricError: 5,
          content: { uri: 'coarse.glb' },
          children: [{ ...NEAR, geometricError: 0, content: { uri: 'fine/tileset.json' } }],
        },
        { ...NEAR, geometricError: 0, content: { uri: 'far-away.glb' } },
      ],
    });
    return temporaryFolder({
      'tileset.json': whole,
      'rated.json': { ...whole, asset: { version: '1.1', extras: { relievo: { errorRatio: 8 } } } },
      'fine/tileset.json': { ...tilesetOf({ ...NEAR, geometricError: 0, content: { url: 'a b.b3dm' } }) },
      'coarse.glb': await squareGlb(),
      'fine/a b.b3dm': b3dm(await squareGlb(picture, 30), [0, 0, 0]),
      'shifted.json': tilesetOf({ ...NEAR, transform: shifted, content: { uri: 'shifted.b3dm' } }),
      'shifted.b3dm': gzipSync(b3dm(await squareGlb(picture), [10, 0, 0])),
    });
  }

  it.each(['jpeg', 'webp'] as const)('is cut in its middle with its picture, %s', async (picture) => {
    const folder = await tileset(picture);
    // The middle of the square is the east side of the box.
    const box = { ...AROUND, east: LON };
    const glb = join(folder, 'out.glb');
    const report = await exportIt(folder, { box, out: glb });
    expect(await glbFaults(glb)).toEqual([]);
    expect(report).toMatchObject({ levels: [1, 1], tiles: 1, pictures: 1, attribution: ['Red Ltd', 'Blue Ltd'] });
    const scene = await readGlbScene(glb);
    expect(sizeOf(scene).area).toBeCloseTo(2 * HALF * HALF, 2);
    // Of the picture only the west is used, and where the cut is there is its middle.
    const wide = scene.uv.filter((_, i) => i % 2 === 0);
    expect(Math.max(...wide)).toBeCloseTo(0.5, 4);
    expect(Math.min(...wide)).toBe(0);
    expect(sizeOf(scene).high).toBeCloseTo(HEIGHT, 2);

    const ply = join(folder, 'out.ply');
    await exportIt(folder, { box: { ...AROUND, west: LON - 0.0002 / 1000, east: LON + 0.003 }, out: ply });
    const east = readPlyScene(ply);
    const onCut = (i: number) => Math.abs(east.positions[3 * i] + 0.0015 * METRES_EAST) < 1;
    for (let i = 0; i < east.colours.length / 3; i++) {
      const [red, , blue] = east.colours.slice(3 * i, 3 * i + 3);
      if (!onCut(i)) expect([red < 20, blue > 235]).toEqual([true, true]);
    }
    const obj = join(folder, 'my town.obj');
    const { out } = await exportIt(folder, { out: obj });
    expect(out?.files).toBe(3);
    expect(sizeOf(readObjScene(obj)).area).toBeCloseTo(4 * HALF * HALF, 1);
    const library = readFileSync(join(folder, 'my_town.mtl'), 'utf8');
    expect(library).toContain('map_Kd my_town-001.jpg');
    const { data, info } = await sharp(join(folder, 'my_town-001.jpg')).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, data[0] > 235, data[3 * 60 + 2] > 235]).toEqual([64, 64, true, true]);
  });

  it('is coarse where an error or a level says so, and its centre is where both matrices put it', async () => {
    const folder = await tileset('jpeg');
    const out = join(folder, 'out.ply');
    expect(await exportIt(folder, { out, maxError: 6 })).toMatchObject({ levels: [0, 0], pictures: 0 });
    expect(await exportIt(folder, { out, level: 0 })).toMatchObject({ levels: [0, 0], pictures: 0 });
    expect(await exportIt(folder, { out, maxError: 4 })).toMatchObject({ levels: [1, 1], pictures: 1 });
    // What it states is eight times the error of its surface.
    const rated = join(folder, 'rated.json');
    expect(await exportIt(rated, { out, maxError: 0.63 })).toMatchObject({ levels: [0, 0], errorMetres: 5 / 8 });
    expect(await exportIt(rated, { out, maxError: 0.62 })).toMatchObject({ levels: [1, 1] });
    const plain = await exportIt(folder, { out });
    const shifted = await exportIt(join(folder, 'shifted.json'), { out });
    for (let k = 0; k < 3; k++) expect(shifted.least[k]).toBeCloseTo(plain.least[k], 3);
    expect(plain.skirts).toContain('cannot be told');
  });
});

describe('a mesh that is packed by Draco', () => {
  it.each(['tile.glb', 'tile.b3dm'])('is unpacked without anything from the web, in %s', async (uri) => {
    const patch = makePatch(9);
    const glb = await packDraco(patch, await makePicture(16, 16));
    const folder = temporaryFolder({
      'tileset.json': tilesetOf({
        boundingVolume: { box: [0, 0, 0, 500, 0, 0, 0, 500, 0, 0, 0, 500] },
        transform: placeMatrix(),
        content: { uri },
      }),
      [uri]: uri.endsWith('.b3dm') ? b3dm(glb, [0, 0, 0]) : glb,
    });
    const out = join(folder, 'out.glb');
    const box = { west: LON - 0.02, south: LAT - 0.02, east: LON + 0.02, north: LAT + 0.02 };
    const report = await exportIt(folder, { box, out });
    expect(report).toMatchObject({ triangles: patch.triangles.length / 3, pictures: 1, warnings: [] });
    expect(await glbFaults(out)).toEqual([]);
    // 14 bits over 500 m.
    expect(Math.abs(report.planArea - PATCH_METRES ** 2)).toBeLessThan(PATCH_METRES * 0.1);
  });
});

describe('an octree of oriented boxes', () => {
  it('gives the one tile of its eight that lies in the box, by bits and template', async () => {
    // Level 1, x 1, y 0, z 1: Morton index 5, and the sixth of nine bits after the root's.
    const bits = Buffer.from([0b01000001, 0]);
    const json = Buffer.from(
      JSON.stringify({
        buffers: [{ byteLength: 16 }],
        bufferViews: [
          { buffer: 0, byteOffset: 0, byteLength: 2 },
          { buffer: 0, byteOffset: 8, byteLength: 2 },
        ],
        tileAvailability: { constant: 1 },
        contentAvailability: [{ bitstream: 1 }],
        childSubtreeAvailability: { constant: 0 },
      }).padEnd(304),
    );
    const head = Buffer.alloc(24);
    head.write('subt');
    for (const [at, value] of [
      [4, 1],
      [8, json.length],
      [16, 16],
    ])
      head.writeUInt32LE(value, at);
    const folder = temporaryFolder({
      'tileset.json': tilesetOf({
        boundingVolume: { box: [-100, 100, -100, 200, 0, 0, 0, 200, 0, 0, 0, 200] },
        transform: placeMatrix(),
        refine: 'ADD',
        content: { uri: '{level}-{x}-{y}-{z}.glb' },
        implicitTiling: {
          subdivisionScheme: 'OCTREE',
          subtreeLevels: 2,
          availableLevels: 2,
          subtrees: { uri: 'sub-{level}-{x}-{y}-{z}.subtree' },
        },
      }),
      'sub-0-0-0-0.subtree': Buffer.concat([head, json, Buffer.alloc(8), bits, Buffer.alloc(6)]),
      '0-0-0-0.glb': await squareGlb(),
      '1-1-0-1.glb': await squareGlb(),
    });
    const out = join(folder, 'out.ply');
    expect(await exportIt(folder, { out })).toMatchObject({ tiles: 2, triangles: 4, levels: [0, 1], warnings: [] });
    expect(await exportIt(folder, { out, level: 0 })).toMatchObject({ tiles: 1, triangles: 2, levels: [0, 0] });
  });
});

describe('what is refused', () => {
  const square = { ...NEAR, transform: placeMatrix(), geometricError: 0 };
  const out = () => join(temporaryFolder(), 'out.glb');

  it.each([
    '../secret.glb',
    '/../../etc/passwd',
    'file:///etc/passwd',
    'https://example.com/a.glb',
    '%2e%2e/secret.glb',
  ])('a folder that refers to %s', async (uri) => {
    const work = temporaryFolder({
      'secret.glb': await squareGlb(),
      'set/tileset.json': tilesetOf({ ...square, content: { uri } }),
    });
    await expect(exportIt(join(work, 'set'), { out: out() })).rejects.toThrow(/lies outside|has no surface/);
  });

  it('a server that refers or redirects to another', async () => {
    const glb = await squareGlb();
    const asked: string[] = [];
    const other = createServer((request, answer) => {
      asked.push(request.url ?? '');
      answer.end(glb);
    }).listen(0, '127.0.0.1');
    const port = (server: typeof other) => (server.address() as { port: number }).port;
    let content = 'here.glb';
    const own = createServer((request, answer) => {
      if (request.url?.startsWith('/tileset.json')) {
        answer.end(JSON.stringify(tilesetOf({ ...square, content: { uri: content } })));
      } else if (request.url?.startsWith('/moved')) {
        answer.writeHead(302, { location: `http://127.0.0.1:${port(other)}/moved.glb` }).end();
      } else answer.end(glb);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      own.close();
      other.close();
    });
    await Promise.all([own, other].map((server) => server.listening || once(server, 'listening')));
    const address = `http://127.0.0.1:${port(own)}/tileset.json?key=1`;
    expect((await exportIt(address, { out: out() })).triangles).toBe(2);
    content = `http://127.0.0.1:${port(other)}/there.glb`;
    await expect(exportIt(address, { out: out() })).rejects.toThrow('lies outside of its folder or server');
    content = 'moved.glb';
    await expect(exportIt(address, { out: out() })).rejects.toThrow('that is not followed');
    expect(asked).toEqual([]);
  });

  it.each([
    ['no JSON', 'no json', /is no JSON object/],
    ['no root', { asset: { version: '1.1' }, root: 5 }, /has no root tile/],
    ['content that is cut off', tilesetOf({ ...square, content: { uri: 'cut.glb' } }), /cut\.glb cannot be read/],
    [
      'a box without tiles',
      tilesetOf({ ...square, transform: undefined, content: { uri: 'cut.glb' } }),
      /has no surface/,
    ],
    [
      'a broken subtree',
      tilesetOf({
        boundingVolume: { region: [0, 0.7, 0.2, 1, 0, 100] },
        content: { uri: '{level}.glb' },
        implicitTiling: {
          subdivisionScheme: 'QUADTREE',
          subtreeLevels: 2,
          availableLevels: 2,
          subtrees: { uri: 'cut.glb' },
        },
      }),
      /The subtree cut\.glb cannot be read/,
    ],
  ])('%s', async (_, document, sentence) => {
    const glb = await squareGlb();
    const folder = temporaryFolder({ 'tileset.json': document, 'cut.glb': glb.subarray(0, glb.length / 2) });
    await expect(exportIt(folder, { out: out() })).rejects.toThrow(sentence);
  });
});
