/** A sound set of tiles has no fault; each way of breaking the set, its document or a border is named. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithData } from '../support/test-data.ts';
import { checkTileset } from './check-tileset.ts';
import type { FaultCode } from './fault.ts';
import { openTileFolder, tilesInMemory } from './tile-folder.ts';
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

function judge({ layer, files }: { layer: Json | undefined; files: Files }): FaultCode[] {
  const { faults } = checkTileset(tilesInMemory(files, layer && JSON.stringify(layer)));
  return [...new Set(faults.map(({ code }) => code))].sort();
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

describe('checkTileset', () => {
  it('finds nothing wrong with a sound set and counts what it saw', () => {
    const { layer, files } = soundRound();
    const judgement = checkTileset(tilesInMemory(files, JSON.stringify(layer)));
    expect(judgement.faults).toEqual([]);
    expect(judgement.levels.map(({ tiles }) => tiles)).toEqual([2, 8, 32, 8]);
    // Each row of 8 closes round the world; three inner borders between rows.
    expect(judgement.levels[2].borders).toBe(4 * 8 + 3 * 8);
    // Two blocks of four that meet at the date line.
    expect(judgement.levels[3].borders).toBe(4 + 4 + 2);
    expect(judgement.levels[3].triangles).toBe(8 * 32);
  });

  it('compares across the date line', () => {
    const { faults } = checkTileset(tilesInMemory(sound().files, JSON.stringify(sound().layer)));
    expect([...new Set(faults.map(({ code }) => code))]).toEqual(['border-heights-differ']);
    expect(faults.map(({ tile }) => tile)).toContain('3/15/4.terrain');
    expect(faults.every(({ message }) => / border with \d\/0\//.test(message))).toBe(true);
  });

  const DOCUMENTS: readonly (readonly [string, (layer: Json) => void, readonly FaultCode[]])[] = [
    ['another format', (l) => set(l, 'format', 'heightmap-1.0'), ['layer-field']],
    ['no version', (l) => set(l, 'version', undefined), ['layer-field']],
    ['rows from the north', (l) => set(l, 'scheme', 'slippyMap'), ['layer-field']],
    ['no projection', (l) => set(l, 'projection', undefined), ['layer-field']],
    ['no template', (l) => set(l, 'tiles', []), ['layer-field']],
    ['a template without x', (l) => set(l, 'tiles', ['{z}/{y}.terrain']), ['layer-field']],
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
  it.each(DOCUMENTS)('names a layer.json with %s', (_, change, expected) => {
    const broken = soundRound();
    change(broken.layer);
    expect(judge(broken)).toEqual([...expected]);
  });

  it('names a layer.json that is missing or is no JSON', () => {
    const { files } = soundRound();
    expect(judge({ layer: undefined, files })).toContain('layer-unreadable');
    expect(checkTileset(tilesInMemory(files, '{"format":')).faults[0].code).toBe('layer-unreadable');
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
  it.each(SETS)('names that %s', (_, change, expected) => {
    const broken = soundRound();
    change(broken.files);
    expect(judge(broken)).toEqual(expect.arrayContaining([...expected]));
  });

  it('names normals two codes apart on both sides of a border', () => {
    const broken = soundRound();
    const one = planTile({ z: 2, x: 3, y: 2 }, round, { cells: 4 });
    const west = one.edges[0][2];
    one.extensions[0].payload[2 * west] += 3;
    broken.files.set('2/3/1.terrain', writeTile(one));
    const { faults } = checkTileset(tilesInMemory(broken.files, JSON.stringify(broken.layer)));
    expect(faults.map(({ code, tile }) => [code, tile])).toEqual([['border-normals-differ', '2/2/1.terrain']]);
  });

  it('opens the same few tiles again for the same seed', () => {
    const { layer, files } = soundRound();
    const set = tilesInMemory(files, JSON.stringify(layer));
    const first = checkTileset(set, { sample: 3, seed: 5 });
    expect(first.faults).toEqual([]);
    expect(first.levels[2].triangles).toBe(3 * 32);
    expect(checkTileset(set, { sample: 3, seed: 5 })).toEqual(first);
  });
});

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

describeWithData('checkTileset on the Maastricht pyramid', ['quantized-mesh/maastricht'], (folder) => {
  const { levels, faults } = checkTileset(openTileFolder(join(folder)));
  const count = (code: FaultCode): number => faults.filter((fault) => fault.code === code).length;

  it('finds the document short of what QGIS needs: `schema` for scheme, no minzoom and maxzoom', () => {
    expect(faults.filter(({ code }) => code === 'layer-field').map(({ message }) => message.split(' ')[0])).toEqual([
      'scheme',
      'minzoom',
      'maxzoom',
    ]);
  });

  it('finds single children where clients expect four, nothing missing and nothing unlisted', () => {
    expect(count('siblings-incomplete')).toBe(25);
    expect(count('tile-missing') + count('tile-unlisted') + count('root-missing') + count('parent-missing')).toBe(0);
    expect(levels.reduce((sum, { tiles }) => sum + tiles, 0)).toBe(226);
  });

  it('finds borders that do not match: other vertices, and normals made from the triangles of one tile', () => {
    expect(count('border-posts-differ')).toBe(25);
    expect(count('border-normals-differ')).toBe(251);
    expect(count('border-heights-differ')).toBe(0);
  });
});
