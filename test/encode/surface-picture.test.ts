/** What a tile keeps of a picture: scattered regions side by side, at less than full size too, and a picture that repeats. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { cutTexture, openPicture } from '../../tiler/encode/surface-picture.ts';
import { makePicture } from '../support/surface-files.ts';

const SIDE = 1024;
/** Three triangles, far apart in the picture; the last lies a whole picture further on. */
const UV = Float32Array.from(
  [
    [0.05, 0.05, 0.1, 0.05, 0.05, 0.1],
    [0.9, 0.1, 0.95, 0.1, 0.92, 0.3],
    [1.5, 1.8, 1.6, 1.8, 1.5, 1.9],
  ].flat(),
);
const TRIANGLES = Uint32Array.from({ length: 9 }, (_, i) => i);

it.each([1, 0.4])('at scale %s keeps the colours of every corner, and little else', async (scale) => {
  const picture = await openPicture({ name: 'ramp', bytes: await makePicture(SIDE, SIDE) });
  const texture = await cutTexture(picture, UV, TRIANGLES, scale, false);
  expect(texture.repeats).toBe(false);
  expect(texture.width * texture.height).toBeLessThan(0.15 * (SIDE * scale) ** 2 + 20_000);
  const { data, info } = await sharp(texture.bytes).raw().toBuffer({ resolveWithObject: true });
  for (let vertex = 0; vertex < 9; vertex++) {
    const [x, y] = [texture.uv[2 * vertex] * info.width, texture.uv[2 * vertex + 1] * info.height].map(Math.floor);
    const [red, green] = data.subarray(3 * (y * info.width + x));
    expect(Math.abs(red - 255 * (UV[2 * vertex] % 1))).toBeLessThan(5);
    expect(Math.abs(green - 255 * (UV[2 * vertex + 1] % 1))).toBeLessThan(5);
  }
});

it('refuses a picture beyond what memory is for, by its header', async () => {
  const bytes = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="16384" height="16384"/>');
  await expect(openPicture({ name: 'huge', bytes })).rejects.toMatchObject({
    code: 'input-unsupported',
    message: expect.stringContaining('16384 x 16384 texels; at most 134217728'),
    where: 'huge',
  });
});

it('keeps a picture whole that a triangle reaches over the edge of', async () => {
  const picture = await openPicture({ name: 'ramp', bytes: await makePicture(64, 64) });
  const uv = Float32Array.from([0, 0, 3, 0, 0, 3]);
  const texture = await cutTexture(picture, uv, Uint32Array.from([0, 1, 2]), 0.5, false);
  expect(texture).toMatchObject({ width: 32, height: 32, repeats: true, uv });
});
