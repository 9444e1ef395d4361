/**
 * Fills voids on the source's own grid before anything is resampled. Narrow voids are closed; a wide one is closed near
 * its rim and blends into *outside* further in, so that the data end in a slope and not in a wall.
 *
 * Let R be the radius (samples) and r = R / 2. A void sample is *core* when no datum lies within r of it: a void up to R
 * samples wide has no core. A void sample at distance c from the nearest core has the outside weight
 * w = max(0, 1 - c / (r + 1)): 1 in the core, 0 where there is none near, about 1 / (r + 1) beside the data. Its own
 * value is the inverse-distance mean of the void's rim within R (D. Shepard, 1968, with the weights of R. Franke, 1982,
 * ((R - d) / (R d))^2, which fall to nothing at R). All of it rests on samples within 2 r + 2, which `fillHalo` adds to
 * what is read; so two tiles that see the same sample fill it alike.
 */

/** Samples round the ones needed that must be read for a fill of radius R. */
export function fillHalo(radius: number): number {
  return Math.ceil(radius) + 3;
}

/** How a sample came about. The numbers grow with the distance from data. */
export const MEASURED = 0;
export const FILLED = 1;
export const BLENDED = 2;
export const OUTSIDE = 3;

export interface FilledWindow {
  /** Value times (1 - outside weight); never NaN. */
  readonly values: Float32Array;
  /** 0 all data .. 1 all outside. */
  readonly outsideWeight: Float32Array;
  /** MEASURED, FILLED, BLENDED or OUTSIDE. */
  readonly state: Uint8Array;
}

/** `samples` (row-major, `columns` wide) with NaN for void, its outer `fillHalo(radius)` samples only as evidence. */
export function fillVoids(samples: Float32Array, columns: number, radius: number): FilledWindow {
  const count = samples.length;
  const rows = count / columns;
  const half = radius / 2;
  const state = new Uint8Array(count);
  const outsideWeight = new Float32Array(count);
  const values = samples.slice();

  const data = new Uint8Array(count);
  for (let i = 0; i < count; i++) data[i] = samples[i] === samples[i] ? 1 : 0;
  const toData = distancesWithin(data, columns, rows, half);
  const core = new Uint8Array(count);
  for (let i = 0; i < count; i++) core[i] = toData[i] > half ? 1 : 0;
  const toCore = distancesWithin(core, columns, rows, half + 1);

  const rim = findRim(data, columns, rows);
  for (let i = 0; i < count; i++) {
    if (data[i]) continue;
    const weight = Math.max(0, 1 - toCore[i] / (half + 1));
    const filled = weight < 1 ? meanOfRim(samples, rim, columns, i, radius) : NaN;
    if (Number.isNaN(filled)) {
      values[i] = 0;
      outsideWeight[i] = 1;
      state[i] = OUTSIDE;
    } else {
      values[i] = filled * (1 - weight);
      outsideWeight[i] = weight;
      state[i] = weight > 0 ? BLENDED : FILLED;
    }
  }
  return { values, outsideWeight, state };
}

/** Euclidean distance in samples to the nearest seed, Infinity beyond `reach`: along columns, then across. */
function distancesWithin(seeds: Uint8Array, columns: number, rows: number, reach: number): Float32Array {
  const span = Math.floor(reach);
  const along = new Float32Array(seeds.length);
  for (let i = 0; i < columns; i++) {
    let gap = Infinity;
    for (let at = i; at < seeds.length; at += columns) {
      gap = seeds[at] ? 0 : gap + 1;
      along[at] = gap;
    }
    gap = Infinity;
    for (let at = (rows - 1) * columns + i; at >= 0; at -= columns) {
      gap = seeds[at] ? 0 : gap + 1;
      if (gap < along[at]) along[at] = gap;
    }
  }
  const limit = reach * reach;
  const out = new Float32Array(seeds.length);
  for (let j = 0; j < rows; j++) {
    const row = j * columns;
    for (let i = 0; i < columns; i++) {
      let best = along[row + i] * along[row + i];
      for (let k = Math.max(0, i - span); k <= Math.min(columns - 1, i + span); k++) {
        const gap = along[row + k];
        const squared = gap * gap + (k - i) * (k - i);
        if (squared < best) best = squared;
      }
      out[row + i] = best > limit ? Infinity : Math.sqrt(best);
    }
  }
  return out;
}

/** Indices of data beside a void, in row order: a fixed order keeps sums equal wherever the window starts. */
function findRim(data: Uint8Array, columns: number, rows: number): Int32Array {
  const rim: number[] = [];
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const at = j * columns + i;
      if (!data[at]) continue;
      const besideVoid =
        (i > 0 && !data[at - 1]) ||
        (i < columns - 1 && !data[at + 1]) ||
        (j > 0 && !data[at - columns]) ||
        (j < rows - 1 && !data[at + columns]);
      if (besideVoid) rim.push(at);
    }
  }
  return Int32Array.from(rim);
}

function meanOfRim(samples: Float32Array, rim: Int32Array, columns: number, at: number, radius: number): number {
  const column = at % columns;
  const row = (at - column) / columns;
  let sum = 0;
  let weights = 0;
  let k = lowerBound(rim, (row - Math.floor(radius)) * columns);
  const end = (row + Math.floor(radius) + 1) * columns;
  for (; k < rim.length && rim[k] < end; k++) {
    const rimColumn = rim[k] % columns;
    const dx = rimColumn - column;
    const dy = (rim[k] - rimColumn) / columns - row;
    const squared = dx * dx + dy * dy;
    if (squared >= radius * radius) continue;
    const distance = Math.sqrt(squared);
    const nearness = (radius - distance) / (radius * distance);
    sum += nearness * nearness * samples[rim[k]];
    weights += nearness * nearness;
  }
  return weights > 0 ? sum / weights : NaN;
}

function lowerBound(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
