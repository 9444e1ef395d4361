/**
 * The level of the terrain that is drawn in the middle of the view. Beyond its data the globe draws pieces of the last
 * tile that there is: the level is that tile's.
 */
import { type CesiumWidget, Ellipsoid, Rectangle } from 'cesium';
import { groundInMiddle } from './camera.ts';

/** A tile that the globe draws, counted from the north. */
interface DrawnTile {
  readonly x: number;
  readonly y: number;
  readonly level: number;
  readonly rectangle: Rectangle;
}

/** undefined while nothing is drawn there, and where the view ends in the sky. */
export function levelInView(widget: CesiumWidget): number | undefined {
  const ground = groundInMiddle(widget);
  const place = ground && Ellipsoid.WGS84.cartesianToCartographic(ground);
  const tile = place && drawnTiles(widget).find(({ rectangle }) => Rectangle.contains(rectangle, place));
  if (tile === undefined) return undefined;
  const { terrainProvider } = widget;
  for (let up = 0; up <= tile.level; up++) {
    const [x, y, level] = [tile.x >> up, tile.y >> up, tile.level - up];
    if (terrainProvider.getTileDataAvailable(x, y, level) !== false) return level;
  }
  return undefined;
}

/** Cesium tells nobody which tiles it draws, other than by the list that it draws from. */
function drawnTiles(widget: CesiumWidget): readonly DrawnTile[] {
  const surface: unknown = Reflect.get(widget.scene.globe, '_surface');
  const tiles: unknown = typeof surface === 'object' && surface !== null ? Reflect.get(surface, '_tilesToRender') : [];
  return Array.isArray(tiles) ? tiles : [];
}
