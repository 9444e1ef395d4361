/** A small raster file as its reader gives it: what it says of itself, and all of its heights. */
import { expect } from 'vitest';
import { openSource } from '../../tiler/sources/open-source.ts';

export async function readWhole(path: string, options: Parameters<typeof openSource>[1]) {
  const source = await openSource([path], options);
  try {
    const { columns, rows } = source.info.levels[0] ?? { columns: 0, rows: 0 };
    return { info: source.info, heights: [...(await source.read(0, { column: 0, row: 0, columns, rows }))] };
  } finally {
    await source.close();
  }
}

/** What `rejects.toEqual` and its like hold against an error of ours. */
export const refusal = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code, message: expect.stringMatching(text) });
