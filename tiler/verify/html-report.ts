/**
 * A verification as one HTML file for people: no script, nothing from elsewhere, plots as SVG, by day, by night and on
 * paper. Every word that comes from the tileset or the source is escaped.
 */
import { bytesText, countText, figureText, type Markup, markup, placeText } from './markup.ts';
import { remedyOf } from './remedies.ts';
import {
  classKey,
  classOf,
  type GeographicBox,
  type Mark,
  plotHistogram,
  plotLevels,
  plotMap,
} from './report-plots.ts';
import { REPORT_STYLE } from './report-style.ts';
import type { Finding, LevelError, LevelReport, VerifyReport } from './report-types.ts';
import { isShifted } from './shift.ts';

/** Places shown of each kind of finding, and tiles in the table of the worst. */
const SHOWN_PLACES = 8;
const SHOWN_WORST = 20;

type Measured = LevelReport & { readonly error: LevelError };

/** The whole document. */
export function writeReport(report: VerifyReport): string {
  const { tileset, levels, findings } = report;
  const measured = levels.filter((level): level is Measured => level.error !== undefined);
  const title = `${tileset.name ?? tileset.place}: ${report.sound ? 'passed' : 'faults'}`;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
${headline(report)}
${whatWasChecked(report)}
${findingList(findings)}
<h2>Levels</h2>
${levelTable(report)}
${measured.length > 0 && errorPlots(measured)}
${maps(report)}
${measured.length > 0 && worstTiles(measured)}
</main>
<footer>Written by ${report.generator} in ${figureText(report.seconds)} seconds. Lengths are in metres, places in WGS84.</footer>
</body>
</html>
`;
  return page.text;
}

function headline({ sound, findings, tileset, sampled }: VerifyReport): Markup {
  const faults = findings.filter(({ severity }) => severity === 'fault');
  const notes = findings.filter(({ severity }) => severity === 'note');
  const many = (all: readonly Finding[], one: string): string => {
    const count = all.reduce((sum, finding) => sum + finding.count, 0);
    return `${countText(count)} ${count === 1 ? one : `${one}s`}${all.length > 1 ? ` of ${all.length} kinds` : ''}`;
  };
  const opened = `${countText(sampled.tiles)} of ${countText(tileset.tiles)} ${tileset.tiles === 1 ? 'tile' : 'tiles'} opened`;
  const rest = notes.length > 0 ? `${many(notes, 'note')}: unusual or wasteful, but drawn rightly.` : '';
  return markup`<div class="verdict ${sound ? 'good' : 'bad'}">
<h1>${sound ? 'Passed: no faults' : many(faults, 'fault')}</h1>
<p>${tileset.name ?? tileset.place}, ${opened}. ${rest}</p>
</div>`;
}

function whatWasChecked({ tileset, sampled, source }: VerifyReport): Markup {
  const rows: readonly (readonly [string, string | undefined])[] = [
    [{ folder: 'Folder', archive: 'Archive', url: 'Address' }[tileset.kind], tileset.place],
    ['Owed to', tileset.attribution || undefined],
    ['Tiling', tileset.format === '3dtiles' ? '3D Tiles' : tilingText(tileset)],
    ['Levels', tileset.tiles === 0 ? 'none' : `0 to ${tileset.maxLevel}, ${countText(tileset.tiles)} tiles`],
    ['First with relief', tileset.firstRelief > 0 ? String(tileset.firstRelief) : undefined],
    ['Bounds', tileset.bounds && boundsText(tileset.bounds)],
    ['Extensions', tileset.format === '3dtiles' ? undefined : tileset.extensions.join(', ') || 'none'],
    ['Tiles opened', sampledText(sampled.perLevel, sampled.seed)],
    ['Source', source ? source.names.join(', ') : 'none given: structure was judged, errors were not measured'],
    ['Its heights', source?.datum],
    ['Its native level', source && String(source.nativeLevel)],
    ['Error allowed', tileset.maxErrorFactor === 1 ? undefined : `${tileset.maxErrorFactor} times the client's bound`],
  ];
  return markup`<h2>What was checked</h2>
<dl>${rows.map(([name, text]) => text !== undefined && markup`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
<p class="soft">Existence and the tree are judged in full. Every opened tile is decoded strictly: header, sphere, occlusion
point, triangles, edge lists, extensions, its parent's range of heights, and its borders with the neighbours to the east and
south.${source !== undefined && ` Errors are the drawn surface, triangles flat in space, minus full-resolution samples of the source under the opened tiles.`}</p>`;
}

function tilingText({ projection, rows }: VerifyReport['tileset']): string {
  return `${projection}, rows from the ${rows === 'tms' ? 'south (tms)' : 'north (slippyMap)'}`;
}

function sampledText(perLevel: number | undefined, seed: number): string {
  return perLevel === undefined
    ? 'all'
    : `at most ${countText(perLevel)} a level, picked by seed ${seed}, and their neighbours`;
}

function boundsText([west, south, east, north]: readonly [number, number, number, number]): string {
  return `${placeText(west, south)} to ${placeText(east, north)}`;
}

function findingList(findings: readonly Finding[]): Markup {
  if (findings.length === 0) return markup`<h2>Findings</h2><p>None.</p>`;
  return markup`<h2>Findings</h2>${findings.map(oneFinding)}`;
}

function oneFinding({ kind, severity, meaning, count, places }: Finding): Markup {
  const shown = places.slice(0, SHOWN_PLACES);
  const remedy = remedyOf(kind);
  return markup`<section class="finding">
<header><h3><code>${kind}</code></h3><span class="tag ${severity === 'fault' ? 'bad' : 'note'}">${severity}</span>
<span class="soft">${countText(count)} ${count === 1 ? 'time' : 'times'}</span></header>
<p>${meaning}</p>
${remedy !== undefined && markup`<p><strong>What helps:</strong> ${remedy}</p>`}
<div class="wide"><table><tbody>${shown.map(
    ({ tile, lon, lat, message }) => markup`<tr><td class="left path">${tile ?? 'whole set'}</td>
<td class="left soft">${lon !== undefined && lat !== undefined && placeText(lon, lat)}</td><td class="words">${message}</td></tr>`,
  )}</tbody></table></div>
${count > shown.length && markup`<p class="soft">and ${countText(count - shown.length)} more</p>`}
</section>`;
}

function levelTable({ levels, source }: VerifyReport): Markup {
  const measured = source !== undefined;
  const native = source?.nativeLevel ?? Infinity;
  return markup`<div class="wide"><table>
<thead><tr><th></th><th colspan="5">Tiles</th><th colspan="2" class="group">Borders</th>${
    measured &&
    markup`<th colspan="5" class="group">Error (m)</th><th colspan="2" class="group">Against the bound</th><th colspan="2" class="group">Lies off by (m)</th>`
  }</tr>
<tr><th>level</th><th>there</th><th>opened</th><th>stored</th><th>triangles a tile</th><th>faults</th>
<th class="group">compared</th><th>differ</th>${
    measured &&
    markup`<th class="group">bound</th><th>greatest</th><th>p99</th><th>RMS</th><th>mean</th><th class="group">greatest</th><th>p99</th><th class="group">east</th><th>north</th>`
  }</tr></thead>
<tbody>${levels.map(
    (
      level,
    ) => markup`<tr><td>${level.z}${level.z === native && '*'}</td><td>${countText(level.tiles)}</td><td>${countText(level.opened)}</td>
<td>${bytesText(level.storedBytes)}</td><td>${level.opened > 0 && countText(level.triangles / level.opened)}</td>
${badWhen(level.faults > 0, countText(level.faults))}
<td class="group">${countText(level.borders)}</td>${badWhen(level.mismatches > 0, countText(level.mismatches))}
${measured && errorCells(level)}</tr>`,
  )}</tbody></table></div>
${levels.some(({ z }) => z === native) && markup`<p class="soft">* native level of the source. The bound is what clients take the surface to be off when they choose a level.</p>`}`;
}

function errorCells({ bound, error }: LevelReport): Markup {
  if (error === undefined)
    return markup`<td class="group">${figureText(bound)}</td><td colspan="8" class="left soft">no samples here</td>`;
  const { shift } = error;
  const moved = isShifted(shift, bound);
  const east = badWhen(moved, moved ? figureText(shift.eastMetres) : '0', 'group');
  const north = badWhen(moved, moved ? figureText(shift.northMetres) : '0');
  return markup`<td class="group">${figureText(bound)}</td><td>${figureText(error.max)}</td><td>${figureText(error.p99)}</td>
<td>${figureText(error.rms)}</td><td>${figureText(error.mean)}</td>
${badWhen(error.ratio > 1, figureText(error.ratio), 'group')}${badWhen(error.ratioP99 > 1, figureText(error.ratioP99))}
${shift.clear ? [east, north] : markup`<td colspan="2" class="group soft">unclear</td>`}`;
}

function badWhen(bad: boolean, text: string, also = ''): Markup {
  return markup`<td class="${also}${bad && ' bad'}">${text}</td>`;
}

function errorPlots(levels: readonly Measured[]): Markup {
  return markup`<h2>Errors</h2>
<p>Distance between the drawn surface and the source, as a share of the bound of the level; both scales are logarithmic.</p>
<figure>${plotLevels(levels)}</figure>
<div class="plots">${levels.map(
    (level) => markup`<figure><figcaption><strong>Level ${level.z}</strong>
<span class="soft">${countText(level.error.samples)} samples</span></figcaption>${plotHistogram(level.error)}</figure>`,
  )}</div>`;
}

function maps({ levels, tileset, findings }: VerifyReport): Markup | undefined {
  const marks = marksByLevel(findings);
  const drawn = levels.filter(({ z, error }) => error !== undefined || marks.has(z));
  if (drawn.length === 0) return undefined;
  const measured = drawn.some(({ error }) => error !== undefined);
  return markup`<h2>${measured ? 'Where the errors are' : 'Where the findings are'}</h2>
${
  measured &&
  markup`<p>Greatest error found in each cell of a grid over the source, against the bound; the grid is as fine as the worst places
of the tiles fill it.</p>${classKey()}`
}
<p class="soft">A cross is a tile with a fault, or with a note in the colour of notes. Corners are latitude, longitude.</p>
<div class="plots">${drawn.map(({ z, error }) => {
    const there = marks.get(z) ?? [];
    const box = error?.map ?? boxOf(tileset.bounds, there);
    return markup`<figure><figcaption><strong>Level ${z}</strong><span class="soft">${
      error && `up to ${figureText(error.ratio)} bounds`
    }</span></figcaption>${plotMap(box, error?.map, there)}</figure>`;
  })}</div>`;
}

function marksByLevel(findings: readonly Finding[]): Map<number, Mark[]> {
  const marks = new Map<number, Mark[]>();
  for (const { severity, places } of findings) {
    for (const { tile, lon, lat } of places) {
      if (tile === undefined || lon === undefined || lat === undefined) continue;
      const z = Number.parseInt(tile, 10);
      marks.set(z, [...(marks.get(z) ?? []), { lon, lat, fault: severity === 'fault' }]);
    }
  }
  return marks;
}

/** Of the set, stretched so that every mark lies inside. */
function boxOf(bounds: VerifyReport['tileset']['bounds'], marks: readonly Mark[]): GeographicBox {
  const [west, south, east, north] = bounds ?? [-180, -90, 180, 90];
  const box = { west, south, east: east < west ? east + 360 : east, north };
  const inside = ({ lon, lat }: Mark): boolean => lon >= box.west && lon <= box.east && lat >= south && lat <= north;
  return marks.every(inside) ? box : { west: -180, south: -90, east: 180, north: 90 };
}

function worstTiles(levels: readonly Measured[]): Markup {
  const worst = levels
    .flatMap(({ z, error }) => error.worst.map((tile) => ({ ...tile, z })))
    .sort((a, b) => b.ratio - a.ratio)
    .slice(0, SHOWN_WORST);
  return markup`<h2>Worst tiles</h2>
<div class="wide"><table><thead><tr><th class="left">tile</th><th class="left">where its greatest error is</th>
<th>error (m)</th><th>against the bound</th></tr></thead>
<tbody>${worst.map(
    ({
      tile,
      lon,
      lat,
      error,
      ratio,
    }) => markup`<tr><td class="left path">${tile}</td><td class="left">${placeText(lon, lat)}</td>
<td>${figureText(error)}</td>${badWhen(classOf(ratio) > 3, figureText(ratio))}</tr>`,
  )}</tbody></table></div>`;
}
