import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFlattenAreas } from '../../tiler/sources/flatten-areas.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const square = (west: number, south: number) => [
  [west, south],
  [west + 1, south],
  [west + 1, south + 1],
  [west, south + 1],
  [west, south],
];
const POND = { type: 'Polygon', coordinates: [square(7, 46)] };
const feature = (properties: object | null, geometry: object = POND) => ({ type: 'Feature', properties, geometry });

/** The areas of one GeoJSON text; `suffix` is typed after its name. */
async function areasOf(content: object, suffix = '', feather?: number, name = 'pond.geojson') {
  const folder = temporaryFolder({ [name]: content });
  return readFlattenAreas([join(folder, name) + suffix], feather);
}

describe('the height of an area', () => {
  it.each([
    ['', undefined, 'sea-level'],
    [':12.5', 12.5, 'sea-level'],
    [':-3', -3, 'sea-level'],
    [':0', 0, 'sea-level'],
    [':.5:ellipsoid', 0.5, 'ellipsoid'],
    [':12.5:sea-level', 12.5, 'sea-level'],
  ])('typed as "%s"', async (suffix, height, datum) => {
    expect(await areasOf(POND, suffix)).toEqual([
      { name: 'pond.geojson', rings: [square(7, 46)], height, datum, featherMetres: undefined },
    ]);
  });

  it('is not mistaken in a path that has colons, as those of Windows have', async () => {
    const name = String.raw`C:\sites\pond.geojson`;
    expect(await areasOf(POND, ':12.5', undefined, name)).toMatchObject([{ height: 12.5 }]);
    expect(await areasOf(POND, '', undefined, name)).toMatchObject([{ height: undefined }]);
    const folder = temporaryFolder({ 'pond.geojson': POND });
    renameSync(join(folder, 'pond.geojson'), join(folder, 'pond:7'));
    expect(await readFlattenAreas([join(folder, 'pond:7')], undefined)).toMatchObject([{ height: undefined }]);
    expect(await readFlattenAreas([join(folder, 'pond:7:8')], undefined)).toMatchObject([{ height: 8 }]);
  });

  it('may be said by each feature, which goes before what is typed', async () => {
    const features = [
      feature({ height: 5, datum: 'ellipsoid', feather: 20, name: 'a' }),
      feature({ height: 6 }),
      feature({ height: null, datum: null, feather: null }),
      feature(null),
    ];
    const areas = await areasOf({ type: 'FeatureCollection', features }, ':9:ellipsoid', 50);
    expect(areas.map(({ height, datum, featherMetres }) => [height, datum, featherMetres])).toEqual([
      [5, 'ellipsoid', 20],
      [6, 'sea-level', 50],
      [9, 'ellipsoid', 50],
      [9, 'ellipsoid', 50],
    ]);
    expect(areas.map(({ name }) => name)).toEqual([1, 2, 3, 4].map((k) => `pond.geojson, polygon ${k}`));
    expect(await areasOf(feature({ datum: 'ellipsoid' }))).toMatchObject([{ height: undefined, datum: 'ellipsoid' }]);
  });

  it("is each polygon's own, but one for what was cut at the date line", async () => {
    const coordinates = [[square(179, 10)], [square(3, 50)], [square(-180, 10)]];
    const areas = await areasOf({ type: 'MultiPolygon', coordinates });
    expect(areas.map(({ rings }) => rings)).toEqual([[square(179, 10), square(-180, 10)], [square(3, 50)]]);
  });

  it.each([
    ['a word for it', feature({ height: 'high' }), '', /height is "high"; expected a number of metres/],
    ['another unit', feature({ height: 99_999 }), '', /99999 is none on Earth/],
    ['another unit, typed', POND, ':99999', /99999 is none on Earth/],
    ['an unknown datum', feature({ height: 5, datum: 'NAVD88' }), '', /datum is "NAVD88"; expected sea-level or ellip/],
    [
      'an unknown datum, typed',
      POND,
      ':5:navd',
      /has the datum "navd", not sea-level or ellipsoid; expected FILE, FILE:METRES above/,
    ],
    ['two halves that differ', feature({ datum: 'ellipsoid' }), ':5', /says the datum ellipsoid without a height/],
    ['a feather below 0', feature({ feather: -1 }), '', /feather is -1; expected metres/],
    ['a datum with a number in it', POND, ':1800:egm96', /has the datum "egm96", not sea-level or ellipsoid/],
    ['no datum after a colon', POND, ':1800:', /has the datum "", not/],
    ['a unit', POND, ':1800m', /has the height "1800m", which is no plain number of metres/],
    ['a unit, and a datum', POND, ':1800m:ellipsoid', /has the height "1800m"/],
    ['a decimal comma', POND, ':12,5', /has the height "12,5"/],
    ['no number', POND, ':', /names no file and ends in no height/],
    ['no polygon', { type: 'FeatureCollection', features: [] }, '', /holds no polygon/],
    ['a line', { type: 'LineString', coordinates: square(1, 1) }, ':5', /holds a LineString/],
    ['metres for degrees', { type: 'Polygon', coordinates: [square(500000, 1)] }, '', /no longitude and latitude/],
  ])('is refused: %s', async (_, content, suffix, sentence) => {
    await expect(areasOf(content, suffix)).rejects.toThrow(sentence);
  });

  it('names a file that is not there', async () => {
    await expect(readFlattenAreas(['/nowhere/pond.geojson'], undefined)).rejects.toThrow(/Cannot open \/nowhere\/pond/);
  });
});
