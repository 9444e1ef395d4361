/** Built folders as layers: our document as it stands, other tools' documents made whole, tags that follow the tiles. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isLayerName, layerNameOf, openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import type { Variant } from '../../tiler/pyramid/layer.ts';
import { handMadeNormals, handMadeTile } from '../support/hand-made-tile.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeWithData } from '../support/test-data.ts';

const PLAIN: Variant = { extensions: [], coding: 'identity' };
const NORMALS: Variant = { extensions: ['octvertexnormals'], coding: 'identity' };
const ROOT = { z: 0, x: 0, y: 0 };
const FOREIGN = { format: 'quantized-mesh-1.0', version: '1.0', tiles: ['{z}/{x}/{y}.terrain?v={version}'] };
const OURS = {
  tilejson: '2.1.0',
  name: 'Small',
  description: 'two roots',
  version: 'abc123',
  format: 'quantized-mesh-1.0',
  attribution: 'nobody',
  scheme: 'tms',
  projection: 'EPSG:4326',
  tiles: ['{z}/{x}/{y}.terrain?v={version}'],
  bounds: [-180, -90, 180, 90],
  minzoom: 0,
  maxzoom: 0,
  extensions: ['octvertexnormals'],
  available: [[{ startX: 0, startY: 0, endX: 1, endY: 0 }]],
  relievo: {
    generator: 'relievo 0.1.0',
    datum: { source: 'egm96', known: 'format', because: 'SRTM heights are above EGM96', geoid: 'EGM96' },
    heights: 'ellipsoidal',
    maxErrorFactor: 1,
    sources: ['N20W157.hgt.zip'],
  },
};
const tile = handMadeTile({ extensions: [handMadeNormals()] });

describe('openBuiltLayer on our own folder', () => {
  it('shows the document as it was written and cuts tiles to the asked form', async () => {
    const folder = temporaryFolder({ 'layer.json': OURS, '0/0/0.terrain': gzipSync(tile) });
    const layer = await openBuiltLayer(folder, { name: 'small' });
    expect(layer).toMatchObject({ name: 'small', title: 'Small', kind: 'built', document: OURS });
    expect(await layer.make(ROOT, NORMALS)).toEqual(Buffer.from(tile));
    expect(Buffer.from((await layer.make(ROOT, PLAIN)) ?? [])).toEqual(Buffer.from(handMadeTile()));
    expect(await layer.make({ z: 0, x: 1, y: 0 }, PLAIN)).toBeUndefined();
    await layer.close();
  });

  it('hands on the stored bytes when all was asked for', async () => {
    const stored = gzipSync(tile, { level: 1 });
    const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': OURS, '0/0/0.terrain': stored }));
    expect(await layer.make(ROOT, { ...NORMALS, coding: 'gzip' })).toEqual(stored);
  });

  it('looks into tiles when a later Relievo wrote extensions that are not known here', async () => {
    const stored = gzipSync(handMadeTile({ extensions: [handMadeNormals(), { id: 7, payload: Uint8Array.of(0) }] }));
    const document = { ...OURS, extensions: ['octvertexnormals', 'tides'] };
    const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': document, '0/0/0.terrain': stored }));
    const bytes = await layer.make(ROOT, { ...NORMALS, coding: 'gzip' });
    expect(gunzipSync(bytes ?? new Uint8Array())).toEqual(Buffer.from(tile));
  });

  it('tags tiles by document, address and variant alone: the same anywhere, at any time', async () => {
    const folders = [tile, handMadeTile()].map((bytes) =>
      temporaryFolder({ 'layer.json': OURS, '0/0/0.terrain': bytes }),
    );
    const [one, two] = await Promise.all(folders.map((folder) => openBuiltLayer(folder, { name: 'small' })));
    const other = await openBuiltLayer(temporaryFolder({ 'layer.json': { ...OURS, version: 'abc124' } }));
    const variants: Variant[] = [PLAIN, NORMALS, { ...PLAIN, coding: 'gzip' }, { ...NORMALS, coding: 'gzip' }];
    const tags = [ROOT, { z: 0, x: 1, y: 0 }].flatMap((id) => variants.map((variant) => one?.etag(id, variant)));
    expect(new Set(tags).size).toBe(8);
    for (const tag of tags) expect(tag).toMatch(/^"[\w-]{27}-(gzip|identity)"$/);
    expect(two?.etag(ROOT, NORMALS)).toBe(one?.etag(ROOT, NORMALS));
    expect(other.etag(ROOT, NORMALS)).not.toBe(one?.etag(ROOT, NORMALS));
  });

  it('does not take a document for ours that lacks what ours has', async () => {
    for (const key of ['relievo', 'available', 'bounds', 'version', 'maxzoom'] as const) {
      const { [key]: _left, ...rest } = OURS;
      const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': rest, '0/0/0.terrain': tile }));
      expect(layer.document.relievo.datum.known, key).toBe('assumed');
    }
  });
});

describe("openBuiltLayer on another tool's folder", () => {
  it('fills in what is missing and derives what is available from the files', async () => {
    const names = ['0/0/0', '0/1/0', '1/2/1', '1/3/1', '2/4/2', '2/4/3', '2/5/2', '2/5/3', '2/7/0'];
    const files = Object.fromEntries(names.map((name) => [`${name}.terrain`, tile]));
    const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': FOREIGN, ...files }), { name: 'other' });
    expect(layer.document).toMatchObject({
      tilejson: '2.1.0',
      version: '1.0',
      format: 'quantized-mesh-1.0',
      scheme: 'tms',
      projection: 'EPSG:4326',
      attribution: '',
      minzoom: 0,
      maxzoom: 2,
      bounds: [0, -90, 180, 90],
      extensions: [],
      available: [
        [{ startX: 0, startY: 0, endX: 1, endY: 0 }],
        [{ startX: 2, startY: 1, endX: 3, endY: 1 }],
        [
          { startX: 4, startY: 2, endX: 5, endY: 3 },
          { startX: 7, startY: 0, endX: 7, endY: 0 },
        ],
      ],
      relievo: { generator: 'unknown', heights: 'ellipsoidal', datum: { source: 'unknown', known: 'assumed' } },
    });
    expect(layer.title).not.toBe('');
    expect(JSON.parse(JSON.stringify(layer.document)).relievo.maxErrorFactor).toBeNull();
  });

  it('promises no version in tile addresses, because nobody promises that it changes with the tiles', async () => {
    const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': FOREIGN, '0/0/0.terrain': tile }));
    expect(layer.document.tiles).toEqual(['{z}/{x}/{y}.terrain']);
  });

  it('serves slippyMap files as TMS, and leaves out what it does not do', async () => {
    const document = {
      ...FOREIGN,
      scheme: 'slippyMap',
      parentUrl: '../parent',
      metadataAvailability: 10,
      available: [[{ startX: 9, startY: 9, endX: 9, endY: 9 }]],
      extensions: ['bvh', 'watermask', 'metadata', 'vertexnormals'],
    };
    const files = { 'layer.json': document, '1/0/0.terrain': tile, '0/0/0.terrain': tile };
    const layer = await openBuiltLayer(temporaryFolder(files));
    expect(layer.document.scheme).toBe('tms');
    expect(layer.document.extensions).toEqual(['octvertexnormals', 'watermask']);
    expect(layer.document.available[1]).toEqual([{ startX: 0, startY: 1, endX: 0, endY: 1 }]);
    expect(Object.keys(layer.document)).not.toContain('parentUrl');
    expect(Object.keys(layer.document)).not.toContain('metadataAvailability');
    expect(await layer.make({ z: 1, x: 0, y: 0 }, NORMALS)).toEqual(Buffer.from(tile));
  });

  it('keeps sound ranges, passes over wild ones and what lies below maxzoom', async () => {
    const sound = { startX: 0, startY: 0, endX: 1, endY: 0 };
    const wild = [
      { startX: -1, startY: 0, endX: 0, endY: 0 },
      { ...sound, endX: 99 },
      { ...sound, startX: 1, endX: 0 },
    ];
    const available = [[sound, ...wild, null, 3, { ...sound, startX: '0' }], [{ ...sound, endY: 1 }], [sound], 'x'];
    const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': { ...FOREIGN, available, maxzoom: 1 } }));
    expect(layer.document.available).toEqual([[sound], [{ ...sound, endY: 1 }]]);
    expect(layer.document.maxzoom).toBe(1);
  });

  it('keeps sound bounds and replaces others', async () => {
    const files = { '0/0/0.terrain': tile };
    for (const [bounds, shown] of [
      [
        [170, -20, -170, -10],
        [170, -20, -170, -10],
      ],
      [
        [0, 10, 5, 5],
        [-180, -90, 0, 90],
      ],
      [
        [0, 0, 400, 10],
        [-180, -90, 0, 90],
      ],
      [
        ['0', 0, 1, 1],
        [-180, -90, 0, 90],
      ],
    ]) {
      const layer = await openBuiltLayer(temporaryFolder({ 'layer.json': { ...FOREIGN, bounds }, ...files }));
      expect(layer.document.bounds).toEqual(shown);
    }
  });

  it('gives a replaced tile a new tag, under the same layer.json', async () => {
    const folder = temporaryFolder({ 'layer.json': FOREIGN, '0/0/0.terrain': tile });
    const layer = await openBuiltLayer(folder);
    const path = join(folder, '0/0/0.terrain');
    const first = layer.etag(ROOT, PLAIN);
    expect(layer.etag(ROOT, PLAIN)).toBe(first);
    utimesSync(path, 1000, 1000);
    const second = layer.etag(ROOT, PLAIN);
    expect(second).not.toBe(first);
    writeFileSync(path, handMadeTile());
    utimesSync(path, 1000, 1000);
    expect(new Set([first, second, layer.etag(ROOT, PLAIN)]).size).toBe(3);
  });

  it('refuses heightmaps, other projections and broken tiles', async () => {
    for (const [change, code] of [
      [{ format: 'heightmap-1.0' }, 'input-unsupported'],
      [{ format: undefined }, 'input-unsupported'],
      [{ projection: 'EPSG:27700' }, 'input-unsupported'],
    ] as const) {
      const folder = temporaryFolder({ 'layer.json': { ...FOREIGN, ...change } });
      await expect(openBuiltLayer(folder)).rejects.toMatchObject({ code });
    }
    const layer = await openBuiltLayer(
      temporaryFolder({ 'layer.json': FOREIGN, '0/0/0.terrain': tile.subarray(0, 99) }),
    );
    await expect(layer.make(ROOT, PLAIN)).rejects.toMatchObject({ code: 'input-invalid' });
  });
});

describe('layer names', () => {
  it('come from file names', () => {
    expect(layerNameOf('/data/Maui West/')).toBe('maui-west');
    expect(layerNameOf('N20W157.hgt')).toBe('n20w157.hgt');
    expect(layerNameOf('Zürich & Genève.tif')).toBe('zurich-geneve.tif');
    expect(layerNameOf('..')).toBe('terrain');
    expect(layerNameOf('富士山')).toBe('terrain');
    expect(isLayerName(layerNameOf('x'.repeat(500)))).toBe(true);
  });

  it('are refused when they cannot stand in an address', async () => {
    const folder = temporaryFolder({ 'layer.json': OURS });
    for (const name of ['', 'A', '../x', 'a/b', '-a', '.a', 'a b', 'é']) {
      expect(isLayerName(name)).toBe(false);
      await expect(openBuiltLayer(folder, { name })).rejects.toMatchObject({ code: 'usage' });
    }
  });
});

describeWithData('openBuiltLayer on the Maastricht tileset', ['quantized-mesh/maastricht'], (folder) => {
  it('keeps what its layer.json says but for bounds wider than its tiles, and gives every listed tile', async () => {
    const layer = await openBuiltLayer(folder);
    const written = JSON.parse(readFileSync(join(folder, 'layer.json'), 'utf8'));
    expect(layer).toMatchObject({ name: 'maastricht', title: 'ahn', kind: 'built' });
    const { available, bounds, extensions, name, version } = layer.document;
    expect(written.bounds).toEqual([0, -90, 180, 90]);
    expect(bounds).toEqual([5.6689453125, 50.80078125, 5.745849609375, 50.8612060546875]);
    expect({ available, extensions, name, version }).toEqual({
      available: written.available,
      extensions: written.extensions,
      name: written.name,
      version: written.version,
    });
    expect(layer.document.maxzoom).toBe(15);
    let tiles = 0;
    for (const [z, ranges] of available.entries()) {
      for (const { startX, startY, endX, endY } of ranges) {
        for (let x = startX; x <= endX; x++) {
          for (let row = startY; row <= endY; row++) {
            const stored = readFileSync(join(folder, `${z}/${x}/${row}.terrain`));
            const bytes = await layer.make({ z, x, y: 2 ** z - 1 - row }, { ...NORMALS, coding: 'gzip' });
            expect(Buffer.compare(gunzipSync(bytes ?? new Uint8Array()), stored)).toBe(0);
            tiles++;
          }
        }
      }
    }
    expect(tiles).toBe(226);
  });
});
