/** Where the vertices of a terrain tile's mesh lie in its region, which of them are on its sides, and which triangles are skirts. */
import type { JudgedMesh } from './3d-mesh.ts';
import { type Region, type Report, toGeodetic } from './3d-volume.ts';
import { EDGE_NAMES, type EdgeName } from './decode.ts';
import { DEGREE, EQUATOR_RADIUS } from './wgs84.ts';

export interface PlacedMesh {
  readonly mesh: JudgedMesh;
  readonly region: Region;
  /** Degrees, unwrapped about the region's middle, and metres above the ellipsoid. */
  readonly lons: Float64Array;
  readonly lats: Float64Array;
  readonly heights: Float64Array;
  /** Metres within which two positions are the same. */
  readonly slack: number;
  /** Whether it reaches a pole, where longitudes run together. */
  readonly atPole: boolean;
  /** Vertices of the surface on each side, in ascending longitude or latitude. */
  readonly sides: Readonly<Record<EdgeName, readonly number[]>>;
  /** Three vertices each. */
  readonly surface: readonly number[];
  readonly skirts: readonly { readonly side: EdgeName; readonly at: number }[];
}

/** Least distance of a vertex from a side that it is not on, as a share of the side: terrain has up to 4096 places a side. */
const ASIDE = 1e-4;

/** Undefined where the mesh lies elsewhere, which is reported. */
export function placeMesh(mesh: JudgedMesh, region: Region, report: Report): PlacedMesh | undefined {
  const count = mesh.positions.length;
  const [lons, lats, heights] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const middle = (region.west + region.east) / 2;
  const slack = 2 * mesh.rounding + 0.005;
  const length = (region.north - region.south) * DEGREE * EQUATOR_RADIUS;
  const onSide = 2 * mesh.rounding + Math.min(0.005, ASIDE * length);
  const masks = new Uint8Array(count);
  let beside = 0;
  let astray = 0;
  let aloft = 0;
  for (let i = 0; i < count; i++) {
    const { lon, lat, height } = toGeodetic(mesh.positions[i]);
    lons[i] = lon - 360 * Math.round((lon - middle) / 360);
    lats[i] = lat;
    heights[i] = height;
    const metre = DEGREE * (EQUATOR_RADIUS + height);
    const across = metre * Math.cos(lat * DEGREE);
    const off = [
      (lons[i] - region.west) * across,
      (lat - region.south) * metre,
      (region.east - lons[i]) * across,
      (region.north - lat) * metre,
    ];
    for (let side = 0; side < 4; side++) if (Math.abs(off[side]) <= onSide) masks[i] |= 1 << side;
    const out = -Math.min(...off);
    if (out > slack) astray++;
    beside = Math.max(beside, out);
    aloft = Math.max(aloft, region.least - height, height - region.most);
  }
  if (astray > 0) {
    report(
      'placed-elsewhere',
      `${astray} of ${count} vertices lie outside of the tile's region, by up to ${beside.toPrecision(4)} m`,
      beside,
    );
    return undefined;
  }
  if (aloft > slack + 0.01)
    report(
      'heights-outside',
      `a vertex lies ${aloft.toPrecision(4)} m above or below ${region.least.toFixed(2)} to ${region.most.toFixed(2)} m`,
      aloft,
    );

  const surface: number[] = [];
  const skirts: { side: EdgeName; at: number }[] = [];
  for (let at = 0; at < mesh.triangles.length; at += 3) {
    const [a, b, c] = mesh.triangles.slice(at, at + 3);
    const common = masks[a] & masks[b] & masks[c];
    if (common === 0) surface.push(a, b, c);
    else skirts.push({ side: EDGE_NAMES[31 - Math.clz32(common & -common)], at });
  }
  const drawn = new Set(surface);
  const sides = Object.fromEntries(
    EDGE_NAMES.map((name, side) => {
      const along = side % 2 === 0 ? lats : lons;
      const on = [...drawn].filter((i) => masks[i] & (1 << side));
      return [name, on.sort((a, b) => along[a] - along[b])];
    }),
  ) as Record<EdgeName, number[]>;
  const atPole = Math.max(Math.abs(region.south), Math.abs(region.north)) > 90 - 1e-6;
  return { mesh, region, lons, lats, heights, slack, atPole, sides, surface, skirts };
}
