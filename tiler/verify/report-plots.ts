/**
 * The plots of the HTML report as SVG: error by level, a histogram and a map for each level. Errors are shares of the
 * bound that clients assume of the level; maps are in longitude and latitude, as wide as they are on the ground.
 */
import { figureText, type Markup, markup, Markup as Text } from './markup.ts';
import type { ErrorMap, LevelError, LevelReport } from './report-types.ts';

/** Upper ends of the classes by which maps and bars are coloured; the last has none. */
const CLASSES = [1 / 16, 1 / 4, 1 / 2, 1, 2] as const;
const CLASS_NAMES = [
  'up to 1/16',
  'up to 1/4',
  'up to 1/2',
  'up to the bound',
  'up to twice the bound',
  'more',
] as const;

export interface Mark {
  readonly lon: number;
  readonly lat: number;
  readonly fault: boolean;
}

export interface GeographicBox {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export function classOf(ratio: number): number {
  const at = CLASSES.findIndex((end) => ratio <= end);
  return at < 0 ? CLASSES.length : at;
}

export function classKey(): Markup {
  return markup`<ul class="key">${CLASS_NAMES.map(
    (name, i) => markup`<li><i style="background: var(--c${i})"></i>${name}</li>`,
  )}</ul>`;
}

const n = (value: number): string => String(Number(value.toFixed(2)));

/** Greatest error, p99 and RMS of every level against the bound, on a scale of powers of two. */
export function plotLevels(levels: readonly (LevelReport & { readonly error: LevelError })[]): Markup {
  const [width, height, left, bottom, top] = [640, 220, 44, 24, 10];
  const series = [
    { name: 'greatest', of: (l: LevelError) => l.ratio, shape: 'k5' },
    { name: 'p99', of: (l: LevelError) => l.ratioP99, shape: 'k3' },
    { name: 'RMS', of: (l: LevelError, bound: number) => l.rms / bound, shape: 'k2' },
  ] as const;
  const all = levels.flatMap(({ error, bound }) => series.map(({ of }) => of(error, bound))).filter((r) => r > 0);
  const low = Math.min(-4, ...all.map((r) => Math.max(-10, Math.floor(Math.log2(r)))));
  const high = Math.max(1, ...all.map((r) => Math.min(12, Math.ceil(Math.log2(r)))));
  const x = (i: number): number => left + 16 + (i * (width - left - 60)) / Math.max(1, levels.length - 1);
  const y = (ratio: number): number => {
    const power = Math.min(high, Math.max(low, ratio > 0 ? Math.log2(ratio) : low));
    return top + ((high - power) / (high - low)) * (height - top - bottom);
  };
  const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter(
    (p) => p === 0 || (high - low <= 8 ? true : p % 2 === 0),
  );
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Errors of each level against the bound">
${powers.map(
  (p) => markup`<path class="${p === 0 ? 'limit' : 'axis'}" d="M${left} ${n(y(2 ** p))}H${width - 40}"/>
<text x="${left - 6}" y="${n(y(2 ** p) + 3)}" text-anchor="end">${powerText(p)}</text>`,
)}
<text x="${width - 36}" y="${n(y(1) + 3)}">bound</text>
${levels.map(({ z }, i) => markup`<text x="${n(x(i))}" y="${height - 6}" text-anchor="middle">${z}</text>`)}
${series.map(({ of, shape, name }) => {
  const points = levels.map(({ error, bound }, i) => ({ i, z: levels[i].z, ratio: of(error, bound) }));
  return markup`<path class="line" d="M${points.map(({ i, ratio }) => `${n(x(i))} ${n(y(ratio))}`).join('L')}"/>${points.map(
    ({ i, z, ratio }) =>
      markup`<circle class="dot ${shape}" cx="${n(x(i))}" cy="${n(y(ratio))}" r="3.5"><title>level ${z}: ${name} ${figureText(ratio)} of the bound</title></circle>`,
  )}`;
})}
</svg>
<ul class="key">${series.map(({ name, shape }) => markup`<li><i style="background: var(--c${shape.slice(1)})"></i>${name}</li>`)}</ul>`;
}

/** Share of the samples (a scale of powers of ten) by |error| / bound (half octaves). */
export function plotHistogram({ histogram: { edges, counts } }: LevelError): Markup {
  const [width, height, left, bottom, top] = [240, 130, 34, 20, 6];
  const total = counts.reduce((sum, count) => sum + count, 0);
  const decades = Math.min(8, Math.max(2, Math.ceil(Math.log10(Math.max(1, total)))));
  const step = (width - left) / Math.max(1, counts.length);
  const floor = height - bottom;
  const y = (share: number): number => Math.min(floor, top + (-Math.log10(share) / decades) * (floor - top));
  const ticks = Array.from({ length: decades + 1 }, (_, i) => -i).filter((p) => decades <= 4 || p % 2 === 0);
  const named = edges.flatMap((edge, i) => ([1 / 16, 1 / 4, 1, 4, 16].includes(edge) ? [{ edge, i }] : []));
  const one = edges.indexOf(1);
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Histogram of errors">
${ticks.map(
  (p) => markup`<path class="axis" d="M${left} ${n(y(10 ** p))}H${width}"/>
<text x="${left - 4}" y="${n(y(10 ** p) + 3)}" text-anchor="end">${shareText(p)}</text>`,
)}
${counts.map((count, i) => {
  if (count === 0 || total === 0) return undefined;
  const at = y(count / total);
  const end = edges[i + 1] ?? Infinity;
  return markup`<rect class="k${classOf(end)}" x="${n(left + i * step)}" y="${n(Math.min(at, floor - 1))}" width="${n(step - 0.6)}" height="${n(Math.max(1, floor - at))}"><title>${figureText(edges[i])} to ${end === Infinity ? 'more' : figureText(end)}: ${count} samples</title></rect>`;
})}
${one > 0 && markup`<path class="limit" d="M${n(left + one * step)} ${top}V${floor}"/>`}
${named.map(({ edge, i }) => markup`<text x="${n(left + i * step)}" y="${height - 6}" text-anchor="middle">${ratioText(edge)}</text>`)}
</svg>`;
}

/** The cells of a level's error map, or the frame alone, and crosses where something was found. */
export function plotMap(box: GeographicBox, map: ErrorMap | undefined, marks: readonly Mark[]): Markup {
  const [degreesX, degreesY] = [Math.max(1e-9, box.east - box.west), Math.max(1e-9, box.north - box.south)];
  const squeeze = Math.max(0.2, Math.cos((((box.south + box.north) / 2) * Math.PI) / 180));
  const scale = Math.min(220 / (degreesX * squeeze), 220 / degreesY);
  const [width, height] = [Math.max(24, degreesX * squeeze * scale), Math.max(24, degreesY * scale)];
  const [left, top] = [10 + (220 - width) / 2, 6];
  const x = (lon: number): number => left + (((((lon - box.west) % 360) + 360) % 360) / degreesX) * width;
  const y = (lat: number): number => top + ((box.north - lat) / degreesY) * height;
  const inside = marks.filter((mark) => x(mark.lon) <= 240 && y(mark.lat) >= 0 && y(mark.lat) <= height + 12);
  const corner = (lon: number, lat: number): string => `${figureText(lat)}, ${figureText(lon > 180 ? lon - 360 : lon)}`;
  return markup`<svg viewBox="0 0 240 ${n(height + 24)}" role="img" aria-label="Map of errors and findings">
${map && mapCells(coarsen(map), { left, top, width, height })}
<rect class="frame" x="${n(left)}" y="${top}" width="${n(width)}" height="${n(height)}"/>
${inside.map(({ lon, lat, fault }) => markup`<path class="${fault ? 'cross' : 'cross note'}" d="M${n(x(lon) - 4)} ${n(y(lat) - 4)}l8 8m0 -8l-8 8"/>`)}
<text x="${n(left)}" y="${n(height + 19)}">${corner(box.west, box.south)}</text>
<text x="${n(left + width)}" y="${n(height + 19)}" text-anchor="end">${corner(box.east, box.north)}</text>
</svg>`;
}

/** Halves the grid, keeping the greater errors, until half of its cells have one. */
function coarsen(map: ErrorMap): ErrorMap {
  const { columns, rows, ratios } = map;
  const filled = ratios.filter((ratio) => ratio !== null).length;
  if (filled === 0 || filled * 2 >= ratios.length || columns <= 2 || rows <= 2) return map;
  const [halfColumns, halfRows] = [Math.ceil(columns / 2), Math.ceil(rows / 2)];
  const greatest = new Array<number | null>(halfColumns * halfRows).fill(null);
  for (const [i, ratio] of ratios.entries()) {
    if (ratio === null) continue;
    const at = (Math.floor(i / columns) >> 1) * halfColumns + ((i % columns) >> 1);
    greatest[at] = Math.max(greatest[at] ?? 0, ratio);
  }
  // An odd last row or column leaves room beside it.
  const [degreesX, degreesY] = [(map.east - map.west) / columns, (map.north - map.south) / rows];
  return coarsen({
    west: map.west,
    north: map.north,
    east: map.west + 2 * halfColumns * degreesX,
    south: map.north - 2 * halfRows * degreesY,
    columns: halfColumns,
    rows: halfRows,
    ratios: greatest,
  });
}

/** One path for each class, in which cells of a row that lie side by side are one rectangle. */
function mapCells(
  { columns, rows, ratios }: ErrorMap,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
): Markup[] {
  const paths = new Array<string>(CLASSES.length + 1).fill('');
  const [w, h] = [width / columns, height / rows];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; ) {
      const kind = kindAt(row, column);
      let end = column + 1;
      while (end < columns && kindAt(row, end) === kind) end++;
      if (kind !== undefined) {
        paths[kind] +=
          `M${n(left + column * w)} ${n(top + row * h)}h${n((end - column) * w)}v${n(h)}h${n((column - end) * w)}z`;
      }
      column = end;
    }
  }
  return paths.flatMap((d, i) =>
    d === '' ? [] : [new Text(`<path class="k${i}" d="${d}" shape-rendering="crispEdges"/>`)],
  );

  function kindAt(row: number, column: number): number | undefined {
    const ratio = ratios[row * columns + column];
    return ratio === null || ratio === undefined ? undefined : classOf(ratio);
  }
}

function powerText(power: number): string {
  return power < 0 ? `1/${2 ** -power}` : String(2 ** power);
}

function ratioText(ratio: number): string {
  return powerText(Math.round(Math.log2(ratio)));
}

function shareText(power: number): string {
  const percent = 10 ** (power + 2);
  return power >= -3 ? `${percent}%` : `1e${power}`;
}
