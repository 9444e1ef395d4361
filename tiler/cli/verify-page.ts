/** What `relievo verify` found, for people: a row for each level, then every kind of finding with its worst tiles. */
import type { Finding, LevelReport, VerifyReport } from '../verify/report-types.ts';
import { isShifted } from '../verify/shift.ts';
import type { Paint } from './paint.ts';
import { bytesText, count } from './progress.ts';
import { formatTable, metres } from './table.ts';

/** Places of a kind that are shown; the others are counted. */
const SHOWN = 5;

export function verifyPage(report: VerifyReport, paint: Paint): string {
  const { tileset, source, findings, levels } = report;
  const faults = findings.filter(({ severity }) => severity === 'fault');
  const notes = findings.filter(({ severity }) => severity === 'note');
  const title = paint('title', tileset.name || tileset.place);
  const flat = tileset.firstRelief > 0 ? ` (flat before ${tileset.firstRelief})` : '';
  const extent = `${count(tileset.tiles)} tiles, levels 0 to ${tileset.maxLevel}${flat}, ${tileset.format === '3dtiles' ? '3D Tiles' : `${tileset.projection}, rows ${tileset.rows}`}`;
  const lines = [`${title}: ${tileset.tiles === 0 ? 'no tiles' : extent}`];
  if (source) lines.push(`Source: ${source.names.join(', ')} (native level ${source.nativeLevel}). ${source.datum}.`);
  if (report.sampled.perLevel !== undefined) {
    lines.push(
      `Opened ${count(report.sampled.tiles)} tiles: at most ${report.sampled.perLevel} of each level, seed ${report.sampled.seed}.`,
    );
  }
  if (levels.length > 0) lines.push('', table(levels, source !== undefined));
  lines.push('');
  if (faults.length === 0) lines.push(paint('good', 'No faults.'));
  else
    lines.push(
      paint('warn', `${plural(sum(faults), 'fault')} of ${plural(String(faults.length), 'kind')}`),
      ...faults.flatMap(findingLines),
    );
  if (notes.length > 0) {
    lines.push(
      '',
      `${plural(sum(notes), 'note')}: unusual or wasteful, drawn rightly by all clients`,
      ...notes.flatMap(findingLines),
    );
  }
  return lines.join('\n');
}

function sum(findings: readonly Finding[]): string {
  return count(findings.reduce((total, finding) => total + finding.count, 0));
}

function plural(number: string, word: string): string {
  return `${number} ${word}${number === '1' ? '' : 's'}`;
}

function findingLines({ kind, meaning, count: found, places }: Finding): string[] {
  const shown = places.slice(0, SHOWN);
  return [
    `  ${kind}: ${count(found)}. ${meaning}`,
    ...shown.map(({ tile, message }) => `    ${tile === undefined ? '' : `${tile}: `}${message}`),
    ...(found > shown.length ? [`    and ${count(found - shown.length)} more`] : []),
  ];
}

function table(levels: readonly LevelReport[], measured: boolean): string {
  const titles = ['level', 'tiles', 'size', 'triangles/tile', 'faults', 'borders', 'differ'];
  if (measured)
    titles.push('greatest error (m)', 'p99 (m)', 'RMS (m)', 'mean (m)', 'bound (m)', 'error/bound', 'shift (m)');
  const rows = levels.map((level) => [
    String(level.z),
    count(level.tiles),
    bytesText(level.storedBytes),
    level.opened === 0 ? '' : count(Math.round(level.triangles / level.opened)),
    count(level.faults),
    count(level.borders),
    count(level.mismatches),
    ...(measured ? errorCells(level) : []),
  ]);
  return formatTable(
    titles.map((title) => ({ title })),
    rows,
  );
}

function errorCells({ error, bound }: LevelReport): string[] {
  if (!error) return ['', '', '', '', metres(bound), '', ''];
  const { shift } = error;
  const moved = isShifted(shift, bound) ? `${metres(shift.eastMetres)}, ${metres(shift.northMetres)}` : '0';
  return [
    metres(error.max),
    metres(error.p99),
    metres(error.rms),
    metres(error.mean),
    metres(bound),
    error.ratio.toFixed(3),
    shift.clear ? moved : 'unclear',
  ];
}
