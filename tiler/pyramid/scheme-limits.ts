/** What a tiling scheme leaves out: the caps of the globe that have no tiles, and data that lie in them. */
import { RelievoError } from '../error.ts';
import type { RasterField } from '../fields/raster-field.ts';
import { Origin } from '../geo/post-grid.ts';
import type { TilingScheme } from '../geo/tiling-scheme.ts';

/** Throws `input-unsupported` for a source no part of which lies where the scheme has tiles. */
export function refuseBeyond({ id, extent }: TilingScheme, { info: { name, bounds } }: RasterField): void {
  if (bounds.south < extent.north && bounds.north > extent.south) return;
  throw new RelievoError(
    'input-unsupported',
    `${name} lies between ${degreesText(bounds.south)} and ${degreesText(bounds.north)} degrees of latitude, and the ${id} scheme ends at ${degreesText(extent.north)} degrees north and south: build it with --scheme geographic`,
    { where: name },
  );
}

/** A sentence for each source that goes on where the scheme has no more tiles; none for the bundled base. */
export function capWarnings(
  { id, extent }: TilingScheme,
  members: readonly { readonly field: RasterField }[],
): string[] {
  return members.flatMap(({ field: { info, dataOrigin } }) => {
    const beyond = info.bounds.north > extent.north || info.bounds.south < extent.south;
    if (!beyond || dataOrigin === Origin.base) return [];
    return `${info.name}: what lies beyond ${degreesText(extent.north)} degrees is left out, where the ${id} scheme has no tiles. With --scheme geographic it is there.`;
  });
}

function degreesText(degrees: number): string {
  return String(Number(degrees.toFixed(4)));
}
