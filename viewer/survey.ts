/**
 * A coarse look at a layer before it is shown: how low and how high its ground is and whether the sea lies around it.
 * Costs a few tiles of one level. Ellipsoidal metres, degrees.
 */
import { Cartographic, type CesiumWidget, Rectangle, sampleTerrain } from 'cesium';
import { absoluteAddress, type LayerEntry } from './api.ts';
import type { GroundPoint } from './heights.ts';

export interface Survey {
  /** A grid of points inside the bounds. */
  readonly points: readonly (GroundPoint & { readonly atBorder: boolean })[];
  /** Greatest height in the layer's tiles. */
  readonly highest: number;
}

/** Points along each side of the grid. */
const SIDE = 19;

/** Rejects when the server gives no tiles. */
export async function surveyLayer(widget: CesiumWidget, layer: LayerEntry): Promise<Survey> {
  const [west, south, east, north] = layer.bounds;
  const width = east > west ? east - west : east - west + 360;
  const places: Cartographic[] = [];
  const atBorder: boolean[] = [];
  for (let i = 0; i < SIDE * SIDE; i++) {
    const column = i % SIDE;
    const row = Math.floor(i / SIDE);
    const longitude = west + (width * (column + 0.5)) / SIDE;
    const latitude = south + ((north - south) * (row + 0.5)) / SIDE;
    places.push(Cartographic.fromDegrees(longitude > 180 ? longitude - 360 : longitude, latitude));
    atBorder.push(column === 0 || row === 0 || column === SIDE - 1 || row === SIDE - 1);
  }
  const level = levelFor(width, north - south, layer.maxLevel);
  const [sampled, tops] = await Promise.all([
    sampleTerrain(widget.terrainProvider, level, places),
    readTops(widget, layer, level).catch(() => []),
  ]);
  const points = sampled.flatMap(({ longitude, latitude, height }, i) =>
    Number.isFinite(height)
      ? [
          {
            longitude: (longitude * 180) / Math.PI,
            latitude: (latitude * 180) / Math.PI,
            ellipsoidal: height,
            atBorder: atBorder[i] ?? false,
          },
        ]
      : [],
  );
  if (points.length === 0) throw new Error(`no tile of level ${level} gave a height`);
  const highest = [...points.map(({ ellipsoidal }) => ellipsoidal), ...tops].reduce((a, b) => Math.max(a, b));
  return { points, highest };
}

/** A level whose tiles are about as wide as the bounds: four to nine of them. */
function levelFor(width: number, height: number, maxLevel: number): number {
  const level = Math.floor(Math.log2(180 / Math.max(width / 1.5, height, 1e-6))) + 1;
  return Math.min(Math.max(level, 0), maxLevel);
}

/** Maximum heights from the tiles' headers (quantized-mesh-1.0: a float at byte 28), which bound what a grid may miss. */
async function readTops(widget: CesiumWidget, layer: LayerEntry, level: number): Promise<number[]> {
  const scheme = widget.terrainProvider.tilingScheme;
  const rectangle = Rectangle.fromDegrees(...layer.bounds);
  const corner = (place: Cartographic) => scheme.positionToTileXY(place, level);
  const northWest = corner(Rectangle.northwest(rectangle));
  const southEast = corner(Rectangle.southeast(rectangle));
  if (northWest === undefined || southEast === undefined || southEast.x < northWest.x) return [];
  const tops: Promise<number>[] = [];
  for (let y = northWest.y; y <= southEast.y; y++) {
    for (let x = northWest.x; x <= southEast.x && tops.length < 24; x++) {
      if (widget.terrainProvider.getTileDataAvailable(x, y, level) !== true) continue;
      const south = 2 ** level - 1 - y;
      const address = layer.addresses.tile.replace('{z}', `${level}`).replace('{x}', `${x}`).replace('{y}', `${south}`);
      tops.push(readTop(absoluteAddress(address)));
    }
  }
  const known = await Promise.allSettled(tops);
  return known.flatMap((top) => (top.status === 'fulfilled' && Math.abs(top.value) < 20_000 ? [top.value] : []));
}

async function readTop(address: string): Promise<number> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return new DataView(await response.arrayBuffer()).getFloat32(28, true);
}
