/** Height grids made in a test: one tile's posts with heights from a formula. */
import { type HeightGrid, type PostGrid, postsOfTile } from '../../tiler/geo/post-grid.ts';
import { geographic, type TileId } from '../../tiler/geo/tiling-scheme.ts';

/** Heights by global post index, so that neighbouring tiles agree on their border. */
export function gridOf(id: TileId, height: (i: number, j: number) => number, halo = 0): HeightGrid {
  return fillGrid(postsOfTile(geographic, id, halo), height);
}

export function fillGrid(posts: PostGrid, height: (i: number, j: number) => number): HeightGrid {
  const heights = new Float32Array(posts.columns * posts.rows);
  for (let j = 0; j < posts.rows; j++) {
    for (let i = 0; i < posts.columns; i++) heights[j * posts.columns + i] = height(posts.x0 + i, posts.y0 + j);
  }
  return {
    posts,
    heights,
    undulation: new Float32Array(heights.length),
    origin: new Uint8Array(heights.length).fill(1),
  };
}
