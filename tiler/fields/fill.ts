/**
 * Fills voids on the source's own grid before anything is resampled. Narrow voids are closed; a wide one is closed near
 * its rim and blends into *outside* further in, so that the data end in a slope and not in a wall.
 *
 * Let R be the radius (samples) and r = R / 2. A void sample is *core* when no datum lies within r of it: a void up to R
 * samples wide has no core. A void sample at distance c from the nearest core has the outside weight
 * w = max(0, 1 - c / r): 1 in the core, 0 where there is none near and beside the data, so that what is interpolated
 * between two data, or up to the last one, holds nothing of the outside. Its own
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

/**
 * `samples` are row-major, `columns` wide, NaN for void. The outermost `halo` (at least `fillHalo(radius)`) only give
 * evidence: what comes back for them means nothing.
 */
export function fillVoids(samples: Float32Array, columns: number, radius: number, halo: number): FilledWindow {
  const size = { columns, rows: samples.length / columns };
  const half = radius / 2;
  const data = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++) data[i] = Number.isNaN(samples[i]) ? 0 : 1;
  const rim = findRim(data, size, samples);
  const state = new Uint8Array(samples.length);
  const outsideWeight = new Float32Array(samples.length);
  const values = samples.slice();

  // Distances to the core are asked for in the inside, so the core must be known as far as they reach.
  const toData = distancesWithin(data, data, size, halo - Math.ceil(half), half);
  const core = toData.map((distance) => (distance > half ? 1 : 0));
  const toCore = core.includes(1) ? distancesWithin(core, data, size, halo, half) : undefined;

  for (let row = halo; row < size.rows - halo; row++) {
    for (let column = halo; column < columns - halo; column++) {
      const i = row * columns + column;
      if (data[i]) continue;
      const weight = toCore ? blendWeight(toCore[i], half) : 0;
      const filled = weight < 1 ? meanOfRim(rim, column, row, radius) : NaN;
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
  }
  return { values, outsideWeight, state };
}

function blendWeight(toCore: number, half: number): number {
  return toCore === 0 ? 1 : Math.max(0, 1 - toCore / half);
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Euclidean distance in samples to the nearest seed, Infinity beyond `reach`: along columns, then across rows. Only for
 * voids at least `inset` samples inside; 0 for all others.
 */
function distancesWithin(
  seeds: ArrayLike<number>,
  data: Uint8Array,
  { columns, rows }: Size,
  inset: number,
  reach: number,
): Float32Array {
  const span = Math.floor(reach);
  const count = data.length;
  const along = new Float32Array(count);
  for (let i = 0; i < count; i++) along[i] = seeds[i] ? 0 : i < columns ? Infinity : along[i - columns] + 1;
  for (let i = count - columns - 1; i >= 0; i--) {
    if (along[i + columns] + 1 < along[i]) along[i] = along[i + columns] + 1;
  }
  const limit = reach * reach;
  const out = new Float32Array(count);
  for (let row = inset; row < rows - inset; row++) {
    const start = row * columns;
    for (let i = inset; i < columns - inset; i++) {
      if (data[start + i]) continue;
      let best = along[start + i] * along[start + i];
      const last = Math.min(columns - 1, i + span);
      for (let k = Math.max(0, i - span); k <= last; k++) {
        const gap = along[start + k];
        const squared = gap * gap + (k - i) * (k - i);
        if (squared < best) best = squared;
      }
      out[start + i] = best > limit ? Infinity : Math.sqrt(best);
    }
  }
  return out;
}

/** Data beside a void, by rows: a fixed order keeps sums equal wherever the window starts. */
interface Rim {
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  readonly values: Float32Array;
  /** Index of the first one of each row; one more entry at the end. */
  readonly firstOfRow: Int32Array;
}

function findRim(data: Uint8Array, { columns, rows }: Size, samples: Float32Array): Rim {
  const at: number[] = [];
  const firstOfRow = new Int32Array(rows + 1);
  for (let j = 0; j < rows; j++) {
    firstOfRow[j] = at.length;
    for (let i = 0; i < columns; i++) {
      const k = j * columns + i;
      const besideVoid =
        (i > 0 && !data[k - 1]) ||
        (i < columns - 1 && !data[k + 1]) ||
        (j > 0 && !data[k - columns]) ||
        (j < rows - 1 && !data[k + columns]);
      if (data[k] && besideVoid) at.push(k);
    }
  }
  firstOfRow[rows] = at.length;
  return {
    columns: Int32Array.from(at, (k) => k % columns),
    rows: Int32Array.from(at, (k) => Math.floor(k / columns)),
    values: Float32Array.from(at, (k) => samples[k]),
    firstOfRow,
  };
}

function meanOfRim({ columns, rows, values, firstOfRow }: Rim, column: number, row: number, radius: number): number {
  const reach = Math.floor(radius);
  const first = firstOfRow[Math.max(0, row - reach)];
  const end = firstOfRow[Math.min(firstOfRow.length - 1, row + reach + 1)];
  const limit = radius * radius;
  let sum = 0;
  let weights = 0;
  for (let k = first; k < end; k++) {
    const dx = columns[k] - column;
    const dy = rows[k] - row;
    const squared = dx * dx + dy * dy;
    if (squared >= limit) continue;
    const distance = Math.sqrt(squared);
    const nearness = (radius - distance) / (radius * distance);
    sum += nearness * nearness * values[k];
    weights += nearness * nearness;
  }
  return weights > 0 ? sum / weights : NaN;
}
