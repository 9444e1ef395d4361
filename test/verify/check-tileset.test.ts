/** A sound set of tiles has no fault; each way of breaking the set, its document or a border is named. */
import { describe, expect, it } from 'vitest';
import type { FaultCode } from '../../tiler/verify/fault.ts';
import type { VerifyReport } from '../../tiler/verify/report-types.ts';
import { openTileSet, tilesInMemory } from '../../tiler/verify/tile-set.ts';
import { openTiling, tilePath } from '../../tiler/verify/tiling.ts';
import { type VerifyOptions, verifyTileset } from '../../tiler/verify/verify.ts';
import { describeWithData } from '../support/test-data.ts';
import { planTile, type TilePlan, writeTile } from './tiny-tile.ts';

type Json = Record<string, unknown>;
type Files = Map<string, Uint8Array>;

const height = (lon: number, lat: number): number => 1000 + 500 * Math.sin(lon / 7) + 300 * Math.cos(lat / 5);

function plan(path: string): TilePlan {
  const [z, x, south] = path.split(/[/.]/).map(Number);
  return planTile({ z, x, y: 2 ** z - 1 - south }, height, { cells: 4 });
}

/** Levels 0 to 2 whole, and at level 3 four children on either side of the date line. */
function sound(): { layer: Json; files: Files } {
  const available = [
    [{ startX: 0, startY: 0, endX: 1, endY: 0 }],
    [{ startX: 0, startY: 0, endX: 3, endY: 1 }],
    [{ startX: 0, startY: 0, endX: 7, endY: 3 }],
    [
      { startX: 0, startY: 4, endX: 1, endY: 5 },
      { startX: 14, startY: 4, endX: 15, endY: 5 },
    ],
  ];
  const files: Files = new Map();
  available.forEach((ranges, z) => {
    for (const { startX, startY, endX, endY } of ranges) {
      for (let x = startX; x <= endX; x++) {
        for (let y = startY; y <= endY; y++) {
          files.set(`${z}/${x}/${y}.terrain`, writeTile(plan(`${z}/${x}/${y}.terrain`), 'gzip'));
        }
      }
    }
  });
  const layer = {
    tilejson: '2.1.0',
    name: 'hills',
    description: '',
    version: '1.0.0',
    format: 'quantized-mesh-1.0',
    attribution: '',
    scheme: 'tms',
    projection: 'EPSG:4326',
    tiles: ['{z}/{x}/{y}.terrain?v={version}'],
    bounds: [-180, -90, 180, 90],
    minzoom: 0,
    maxzoom: 3,
    extensions: ['octvertexnormals'],
    available,
  };
  return { layer, files };
}

function verify(
  { layer, files }: { layer: Json | undefined; files: Files },
  options?: VerifyOptions,
): Promise<VerifyReport> {
  return verifyTileset(tilesInMemory(files, layer && JSON.stringify(layer)), options);
}

async function judge(set: { layer: Json | undefined; files: Files }): Promise<string[]> {
  return (await verify(set)).findings.map(({ kind }) => kind).sort();
}

// sin(lon / 7) jumps at the date line; this one does not.
const round = (lon: number, lat: number): number => 1000 + 500 * Math.sin((lon * Math.PI) / 180) + lat;

function soundRound(): { layer: Json; files: Files } {
  const set = sound();
  for (const path of set.files.keys()) {
    const [z, x, south] = path.split(/[/.]/).map(Number);
    set.files.set(path, writeTile(planTile({ z, x, y: 2 ** z - 1 - south }, round, { cells: 4 })));
  }
  return set;
}

describe('verifyTileset', () => {
  it('finds nothing wrong with a sound set and counts what it saw', async () => {
    const judgement = await verify(soundRound());
    expect(judgement.findings).toEqual([]);
    expect(judgement.sound).toBe(true);
    expect(judgement.levels.map(({ tiles }) => tiles)).toEqual([2, 8, 32, 8]);
    // Each row of 8 closes round the world; three inner borders between rows.
    expect(judgement.levels[2].borders).toBe(4 * 8 + 3 * 8);
    // Two blocks of four that meet at the date line.
    expect(judgement.levels[3].borders).toBe(4 + 4 + 2);
    expect(judgement.levels[3].triangles).toBe(8 * 32);
  });

  it('compares across the date line', async () => {
    const { findings } = await verify(sound());
    expect(findings.map(({ kind }) => kind)).toEqual(['border-heights-differ']);
    const [{ places }] = findings;
    expect(places.map(({ tile }) => tile)).toContain('3/15/4.terrain');
    expect(places.every(({ message }) => / border with \d\/0\//.test(message))).toBe(true);
  });

  const DOCUMENTS: readonly (readonly [string, (layer: Json) => void, readonly FaultCode[]])[] = [
    ['another format', (l) => set(l, 'format', 'heightmap-1.0'), ['layer-field']],
    ['no version', (l) => set(l, 'version', undefined), ['layer-field']],
    ['another scheme', (l) => set(l, 'scheme', 'xyz'), ['layer-field']],
    ['no projection', (l) => set(l, 'projection', undefined), ['layer-field']],
    ['no template', (l) => set(l, 'tiles', []), ['layer-field']],
    ['a template without x', (l) => set(l, 'tiles', ['{z}/{y}.terrain']), ['layer-field']],
    ['bounds of another place', (l) => set(l, 'bounds', [10, 10, 20, 20]), ['layer-bounds']],
    ['bounds upside down', (l) => set(l, 'bounds', [-10, 20, 10, -20]), ['layer-field']],
    ['no maxzoom', (l) => set(l, 'maxzoom', undefined), ['layer-field']],
    [
      'metadata without availability',
      (l) => set(l, 'extensions', ['octvertexnormals', 'metadata']),
      ['extension-missing', 'layer-field'],
    ],
    ['no extensions listed', (l) => set(l, 'extensions', []), ['extension-unlisted']],
    [
      'an extension that tiles lack',
      (l) => set(l, 'extensions', ['octvertexnormals', 'watermask']),
      ['extension-missing'],
    ],
    ['no available', (l) => set(l, 'available', undefined), ['layer-available']],
    ['a level fewer in available', (l) => cut(l, -1), ['layer-available', 'tile-unlisted']],
    [
      'a range beyond the level',
      (l) => range(l, 2, { startX: 0, startY: 0, endX: 8, endY: 3 }),
      ['layer-available', 'tile-unlisted'],
    ],
    [
      'ranges from the north',
      (l) => range(l, 3, { startX: 0, startY: 2, endX: 1, endY: 3 }),
      ['tile-missing', 'tile-unlisted'],
    ],
    [
      'one root in available',
      (l) => range(l, 0, { startX: 1, startY: 0, endX: 1, endY: 0 }),
      ['root-missing', 'tile-unlisted'],
    ],
  ];
  it.each(DOCUMENTS)('names a layer.json with %s', async (_, change, expected) => {
    const broken = soundRound();
    change(broken.layer);
    expect(await judge(broken)).toEqual([...expected]);
  });

  it('names a layer.json that is missing or is no JSON', async () => {
    const { files } = soundRound();
    expect(await judge({ layer: undefined, files })).toEqual(['layer-unreadable']);
    const broken = await verifyTileset(tilesInMemory(files, '{"format":'));
    expect(broken.findings.map(({ kind }) => kind)).toEqual(['layer-unreadable']);
  });

  const SETS: readonly (readonly [string, (files: Files) => void, readonly FaultCode[]])[] = [
    ['a root is missing', (f) => f.delete('0/0/0.terrain'), ['parent-missing', 'root-missing', 'tile-missing']],
    ['a child is missing', (f) => f.delete('3/1/4.terrain'), ['siblings-incomplete', 'tile-missing']],
    [
      'a parent is missing',
      (f) => f.delete('2/0/2.terrain'),
      ['parent-missing', 'siblings-incomplete', 'tile-missing'],
    ],
    [
      'a tile is not listed',
      (f) => copy(f, '3/1/4.terrain', '3/2/4.terrain'),
      ['border-heights-differ', 'siblings-incomplete', 'sphere-open', 'tile-unlisted'],
    ],
    ['a tile lies outside the grid', (f) => copy(f, '2/0/0.terrain', '2/8/0.terrain'), ['tile-outside-grid']],
    ['a tile has more border vertices', (f) => rewrite(f, '2/3/1', round, 8), ['border-posts-differ']],
    [
      'a tile lies a metre too high',
      (f) => rewrite(f, '2/3/1', (x, y) => round(x, y) + 1, 4),
      ['border-heights-differ'],
    ],
    [
      'a tile has no normals',
      (f) => rewrite(f, '2/3/1', round, 4, false),
      ['border-normals-differ', 'extension-missing'],
    ],
    ['a tile is half there', (f) => f.set('2/3/1.terrain', new Uint8Array(50)), ['truncated']],
  ];
  it.each(SETS)('names that %s', async (_, change, expected) => {
    const broken = soundRound();
    change(broken.files);
    expect(await judge(broken)).toEqual(expect.arrayContaining([...expected]));
  });

  it('names normals two codes apart on both sides of a border', async () => {
    const broken = soundRound();
    const one = planTile({ z: 2, x: 3, y: 2 }, round, { cells: 4 });
    const west = one.edges[0][2];
    one.extensions[0].payload[2 * west] += 3;
    broken.files.set('2/3/1.terrain', writeTile(one));
    const { findings } = await verify(broken);
    expect(findings.map(({ kind, count, places }) => [kind, count, places[0].tile])).toEqual([
      ['border-normals-differ', 1, '2/2/1.terrain'],
    ]);
  });

  it('opens the same few tiles again for the same seed', async () => {
    const first = await verify(soundRound(), { sample: 3, seed: 5 });
    expect(first.findings).toEqual([]);
    expect(first.levels[2].opened).toBe(3);
    expect(first.levels[2].triangles).toBe(3 * 32);
    expect({ ...(await verify(soundRound(), { sample: 3, seed: 5 })), seconds: 0 }).toEqual({ ...first, seconds: 0 });
  });

  it('keeps the worst of a kind and counts all of them', async () => {
    const broken = soundRound();
    for (const path of broken.files.keys()) {
      const [z, x, south] = path.split(/[/.]/).map(Number);
      const one = planTile({ z, x, y: 2 ** z - 1 - south }, round, { cells: 4 });
      one.sphereRadius -= 10 + x + z;
      broken.files.set(path, writeTile(one));
    }
    const [open] = (await verify(broken, { keep: 5 })).findings;
    expect([open.kind, open.severity, open.count]).toEqual(['sphere-open', 'fault', 50]);
    expect(open.places.map(({ tile }) => tile?.slice(0, 4)).slice(0, 4)).toEqual(['3/15', '3/15', '3/14', '3/14']);
    expect(open.places).toHaveLength(5);
    expect(open.places[0].lon).toBeCloseTo(180 - 11.25, 9);
  });
});

describe('EPSG:3857 and rows from the north', () => {
  const { mercator, files } = mercatorSet('tms');

  it('finds nothing wrong with a sound set, in either order of rows', async () => {
    expect((await verify({ layer: mercator, files })).findings).toEqual([]);
    const north = mercatorSet('slippyMap');
    const report = await verify({ layer: north.mercator, files: north.files });
    expect(report.findings.map(({ kind }) => kind)).toEqual(['layer-habit']);
    expect([report.tileset.projection, report.tileset.rows]).toEqual(['EPSG:3857', 'slippyMap']);
    // One root: twice what two roots are allowed.
    expect(report.levels[0].bound / 77067.34).toBeCloseTo(2, 5);
  });

  it('sees that rows were taken from the other end', async () => {
    const kinds = await judge({ layer: { ...mercator, scheme: 'slippyMap' }, files });
    expect(kinds).toContain('sphere-open');
  });
});

/** Levels 0 to 3 of the whole square, v linear in latitude. */
function mercatorSet(rows: 'tms' | 'slippyMap'): { mercator: Json; files: Files } {
  const tiling = openTiling('EPSG:3857', rows);
  const files: Files = new Map();
  for (let z = 0; z <= 3; z++) {
    for (let y = 0; y < 2 ** z; y++) {
      for (let x = 0; x < 2 ** z; x++) {
        const id = { z, x, y };
        files.set(tilePath(id, tiling), writeTile(planTile(id, round, { cells: 4, tiling }), 'gzip'));
      }
    }
  }
  const available = [0, 1, 2, 3].map((z) => [{ startX: 0, startY: 0, endX: 2 ** z - 1, endY: 2 ** z - 1 }]);
  return { mercator: { ...sound().layer, projection: 'EPSG:3857', scheme: rows, available }, files };
}

function set(layer: Json, name: string, value: unknown): void {
  layer[name] = value;
}

function cut(layer: Json, end: number): void {
  layer.available = (layer.available as unknown[]).slice(0, end);
}

function range(layer: Json, z: number, value: unknown): void {
  (layer.available as unknown[])[z] = [value];
}

function copy(files: Files, from: string, to: string): void {
  const bytes = files.get(from);
  if (bytes !== undefined) files.set(to, bytes);
}

function rewrite(files: Files, path: string, of: typeof round, cells: number, normals = true): void {
  const [z, x, south] = path.split('/').map(Number);
  files.set(`${path}.terrain`, writeTile(planTile({ z, x, y: 2 ** z - 1 - south }, of, { cells, normals })));
}

describeWithData('verifyTileset on the Maastricht pyramid', ['quantized-mesh/maastricht'], (folder) => {
  it('finds what is wrong with it, and nothing else', async () => {
    const report = await verifyTileset(await openTileSet(folder));
    const found = (severity: string) =>
      Object.fromEntries(
        report.findings.filter((f) => f.severity === severity).map(({ kind, count }) => [kind, count]),
      );
    expect(report.sound).toBe(false);
    expect(found('fault')).toEqual({
      // Made from the triangles of one tile, so that neighbours disagree.
      'border-normals-differ': 251,
      'border-posts-differ': 25,
      'occlusion-hides': 21,
      // Occlusion points of the roots.
      'header-not-finite': 2,
      'sphere-open': 2,
      // `schema` in the place of scheme.
      'layer-field': 1,
    });
    expect(found('note')).toEqual({ 'edge-unsorted': 678, 'triangle-empty': 226, 'siblings-incomplete': 25 });
    expect(report.tileset.tiles).toBe(226);
  });
});
