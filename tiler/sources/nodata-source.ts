/** A source of which the user says which value stands for missing samples. */
import type { RasterSource } from './raster-source.ts';

/**
 * The source with `nodata` as void: compared in float32 with heights in the file's unit, after its scale and offset. Overviews of a
 * file that does not name the value itself may have mixed it into means, and are left out.
 */
export function withNodata(source: RasterSource, nodata: number | undefined): RasterSource {
  const { info } = source;
  // What is not finite is void in every format.
  if (nodata === undefined || !Number.isFinite(nodata) || nodata === info.nodata) return source;
  const value = Math.fround(nodata);
  const voided = (samples: Float32Array) => {
    for (let i = 0; i < samples.length; i++) if (samples[i] === value) samples[i] = Number.NaN;
    return samples;
  };
  const { rows } = source;
  return {
    info: { ...info, nodata, levels: info.levels.slice(0, 1) },
    async read(level, window, options) {
      if (level !== 0) throw new RangeError(`levels are 0 to 0; got ${level}`);
      return voided(await source.read(0, window, options));
    },
    piece: source.piece,
    rows:
      rows &&
      async function* (options) {
        for await (const samples of rows(options)) yield voided(samples);
      },
    close: () => source.close(),
  };
}
