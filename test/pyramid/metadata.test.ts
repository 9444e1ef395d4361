/** The metadata extension: what tiles say of their descendants, and that a real CesiumTerrainProvider finds all of them by it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CesiumTerrainProvider } from 'cesium';
import { describe, expect, it } from 'vitest';
import type { LayerJson } from '../../tiler/catalog/layer-json.ts';
import { walkTile } from '../../tiler/encode/cut-variant.ts';
import { flipRow, type SchemeId, schemeNamed, type TileId } from '../../tiler/geo/tiling-scheme.ts';
import { openBuiltLayer } from '../../tiler/pyramid/built-layer.ts';
import { METADATA_LEVELS } from '../../tiler/pyramid/descendants.ts';
import type { Layer } from '../../tiler/pyramid/layer.ts';
import { openSourceLayer } from '../../tiler/pyramid/source-layer.ts';
import { openInProcessRunner } from '../../tiler/run/in-process.ts';
import { layersOf, serve } from '../server/serve.ts';
import { buildForTest, preparedSpecOf } from '../support/build-tileset.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { decodeWith3dTilesRenderer } from '../support/renderer-decoder.ts';

const EXTENSIONS = ['octvertexnormals', 'metadata'] as const;
/** A level that would name its descendants if it had any. */
const DEEPEST = 2 * METADATA_LEVELS;

/** The tiles of a folder, rows from the north. */
function tilesIn(folder: string, scheme: SchemeId): TileId[] {
  const numbersIn = (path: string) =>
    readdirSync(path)
      .filter((name) => /^\d+(\.terrain)?$/.test(name))
      .map((name) => Number.parseInt(name, 10));
  return numbersIn(folder).flatMap((z) =>
    numbersIn(join(folder, `${z}`)).flatMap((x) =>
      numbersIn(join(folder, `${z}/${x}`)).map((y) => ({ z, x, y: flipRow(schemeNamed(scheme), z, y) })),
    ),
  );
}

const keyOf = ({ z, x, y }: TileId) => `${z}/${x}/${y}`;

/** All tiles that the provider comes to know, by loading each that it knows, as a client that goes everywhere would. */
async function walk(provider: CesiumTerrainProvider): Promise<string[]> {
  const found: string[] = [];
  let open: TileId[] = Array.from({ length: provider.tilingScheme.getNumberOfXTilesAtLevel(0) }, (_, x) => ({
    z: 0,
    x,
    y: 0,
  }));
  while (open.length > 0) {
    const next: TileId[] = [];
    for (const { z, x, y } of open) {
      found.push(keyOf({ z, x, y }));
      await provider.requestTileGeometry(x, y, z);
      for (const child of [0, 1, 2, 3].map((k) => ({ z: z + 1, x: 2 * x + (k & 1), y: 2 * y + (k >> 1) }))) {
        if (provider.getTileDataAvailable(child.x, child.y, child.z) === true) next.push(child);
      }
    }
    open = next;
  }
  return found;
}

describe.each(['geographic', 'web-mercator'] as const)('%s', (scheme) => {
  it('is carried where it is due, and leads CesiumJS to every tile', async () => {
    const options = { scheme, maxZoom: DEEPEST, extensions: [...EXTENSIONS] };
    const { out } = await buildForTest(MAUI_SHEETS, { options, threads: 2 });
    const document: LayerJson = JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8'));
    expect(document).toMatchObject({ metadataAvailability: METADATA_LEVELS, extensions: EXTENSIONS });
    expect(document.available).toHaveLength(DEEPEST + 1);

    const tiles = tilesIn(out, scheme);
    const there = new Set(tiles.map(keyOf));
    for (const tile of tiles) {
      const stored = gunzipSync(
        readFileSync(join(out, `${tile.z}/${tile.x}/${flipRow(schemeNamed(scheme), tile.z, tile.y)}.terrain`)),
      );
      const ids = walkTile(stored).extensions.map(({ id }) => id);
      const due = tile.z % METADATA_LEVELS === 0 && tile.z < DEEPEST;
      expect(ids, keyOf(tile)).toEqual(due ? [1, 4] : [1]);
      if (due) expectDescendants(stored, tile, there);
    }

    // Without the list that CesiumJS would pass over anyway.
    const built = await openBuiltLayer(out, { name: 'built' });
    const { available: _, ...bare } = document;
    const layer: Layer = { ...built, document: bare as LayerJson };
    const { url } = await serve({ layers: layersOf(layer) });
    const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/built`, { requestMetadata: true });
    expect(provider.hasMetadata).toBe(true);
    const deepest = tiles.findLast(({ z }) => z === DEEPEST) as TileId;
    expect(provider.getTileDataAvailable(deepest.x, deepest.y, deepest.z)).toBeUndefined();
    expect((await walk(provider)).sort()).toEqual([...there].sort());
    expect(provider.getTileDataAvailable(deepest.x + 64, deepest.y, deepest.z)).toBe(false);

    // On demand the tiles have the same bytes.
    const onDemand = await openSourceLayer(preparedSpecOf(MAUI_SHEETS, options), {
      name: 'made',
      labels: {},
      width: 1,
      openRunner: openInProcessRunner,
    });
    expect(onDemand.document).toEqual({ ...document, name: 'made' });
    await onDemand.prepare();
    const due = tiles.filter(({ z }) => z % METADATA_LEVELS === 0 && z < DEEPEST);
    for (const tile of [...due.slice(0, 4), due[due.length - 1], deepest]) {
      const variant = { extensions: EXTENSIONS, coding: 'identity' } as const;
      expect(await onDemand.make(tile, variant), keyOf(tile)).toEqual(await built.make(tile, variant));
    }
    await onDemand.close();
  });

  /** By an independent decoder: the tiles below a tile that there are, no others, and the error of the level. */
  function expectDescendants(stored: Uint8Array, { z, x, y }: TileId, there: ReadonlySet<string>): void {
    const { metadata } = decodeWith3dTilesRenderer(stored).extensions;
    if (!metadata) throw new Error(`no metadata in ${z}/${x}/${y}`);
    const { available, geometricerror } = metadata.json as MetadataJson;
    expect(geometricerror).toBe(schemeNamed(scheme).maxGeometricError(z));
    const said = available.flatMap((ranges, k) =>
      ranges.flatMap(({ startX, startY, endX, endY }) => {
        const level = z + 1 + k;
        const keys: string[] = [];
        for (let column = startX; column <= endX; column++) {
          for (let row = startY; row <= endY; row++) keys.push(`${level}/${column}/${2 ** level - 1 - row}`);
        }
        return keys;
      }),
    );
    const below = [...there].filter((key) => {
      const [level, column, row] = key.split('/').map(Number);
      const deeper = level - z;
      return deeper > 0 && deeper <= METADATA_LEVELS && column >> deeper === x && row >> deeper === y;
    });
    expect(said.sort()).toEqual(below.sort());
  }
});

interface MetadataJson {
  readonly available: readonly (readonly { startX: number; startY: number; endX: number; endY: number }[])[];
  readonly geometricerror: number;
}

it('is sent to those who ask, and never where the document has no metadataAvailability', async () => {
  const { out } = await buildForTest(MAUI_SHEETS, { options: { maxZoom: 1, extensions: [...EXTENSIONS] } });
  const built = await openBuiltLayer(out, { name: 'built' });
  const { metadataAvailability: _, ...silent } = built.document;
  const bare: Layer = { ...built, name: 'silent', document: silent };
  const { url } = await serve({ layers: layersOf(built, bare) });
  const idsOf = async (layer: string, extensions: string) => {
    const answer = await fetch(`${url}/layers/${layer}/0/0/0.terrain?extensions=${extensions}`);
    return walkTile(new Uint8Array(await answer.arrayBuffer())).extensions.map(({ id }) => id);
  };
  expect(await idsOf('built', 'metadata-octvertexnormals')).toEqual([1, 4]);
  expect(await idsOf('built', 'metadata')).toEqual([4]);
  expect(await idsOf('built', 'octvertexnormals')).toEqual([1]);
  expect(await idsOf('silent', 'metadata-octvertexnormals')).toEqual([1]);
  // CesiumJS would fail on such a tile.
  const provider = await CesiumTerrainProvider.fromUrl(`${url}/layers/silent`, { requestMetadata: true });
  await expect(provider.requestTileGeometry(0, 0, 0)).resolves.toBeDefined();
});
