/** A geoid grid that the user names: a GeoTIFF in longitude and latitude whose values are undulations in metres. */
import { basename } from 'node:path';
import { RelievoError } from '../error.ts';
import { type Geoid, gridGeoid } from '../geo/geoid.ts';
import { openSource } from '../sources/open-source.ts';

/** Reads the whole grid. Fails when it is no north-up geographic raster or holds no undulations. */
export async function readGeoidFile(path: string): Promise<Geoid> {
  const source = await openSource([path], { hash: false });
  try {
    const { affine, levels, crsName } = source.info;
    const { columns, rows } = levels[0];
    if (!/geographic|WGS ?84|ETRS|NAD83|EPSG:4\d{3}/i.test(crsName) || affine.b !== 0 || affine.d !== 0) {
      throw new RelievoError(
        'datum',
        `A geoid grid must be north-up in longitude and latitude; this one is in ${crsName}`,
        {
          where: path,
        },
      );
    }
    const values = await source.read(0, { column: 0, row: 0, columns, rows });
    return gridGeoid(basename(path), {
      west: affine.a > 0 ? affine.c : affine.c + affine.a * (columns - 1),
      north: affine.e < 0 ? affine.f : affine.f + affine.e * (rows - 1),
      spacingLon: Math.abs(affine.a),
      spacingLat: Math.abs(affine.e),
      columns,
      rows,
      value: (row, column) =>
        values[(affine.e < 0 ? row : rows - 1 - row) * columns + (affine.a > 0 ? column : columns - 1 - column)],
    });
  } finally {
    await source.close();
  }
}
