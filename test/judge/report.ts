/** The judgement as text for people: a table with a row for each level, then the faults by kind. */
import type { LevelCounts } from './check-tileset.ts';
import type { Fault } from './fault.ts';
import { CLEAR_RELIEF, LEAST_RELIEF, type LevelMeasure } from './measure.ts';

/** A table (lengths in metres, ratios to the client's bound) and at most `shown` tiles of each kind of fault. */
export function reportText(
  levels: readonly LevelCounts[],
  measures: readonly LevelMeasure[],
  faults: readonly Fault[],
  shown = 5,
): string {
  const measured = measures.length > 0;
  const head = ['level', 'tiles', 'bytes', 'triangles', 'faults', 'borders', 'mismatches'];
  if (measured) {
    head.push(
      'samples',
      'bound m',
      'max m',
      'p99 m',
      'rms m',
      'mean m',
      'max/bound',
      'p99/bound',
      'within %',
      'posts/bound',
    );
    head.push('relief %', 'shift e,n');
  }
  const rows = levels.map((level) => {
    const row = [
      level.z,
      level.tiles,
      level.storedBytes,
      level.triangles,
      level.faults,
      level.borders,
      level.mismatches,
    ];
    const measure = measures.find(({ z }) => z === level.z);
    return [...row.map(String), ...(measured ? measureCells(measure) : [])];
  });
  const total = (pick: (level: LevelCounts) => number): string => String(levels.reduce((sum, l) => sum + pick(l), 0));
  rows.push([
    'all',
    total((l) => l.tiles),
    total((l) => l.storedBytes),
    total((l) => l.triangles),
    total((l) => l.faults),
    total((l) => l.borders),
    total((l) => l.mismatches),
  ]);
  return [...table(head, rows), '', ...faultLines(faults, shown)].join('\n');
}

function measureCells(measure: LevelMeasure | undefined): string[] {
  if (measure === undefined) return [];
  const { shift } = measure;
  return [
    String(measure.n),
    measure.bound.toFixed(2),
    measure.max.toFixed(2),
    measure.p99.toFixed(2),
    measure.rms.toFixed(2),
    measure.mean.toFixed(2),
    measure.ratioMax.toFixed(3),
    measure.ratioP99.toFixed(3),
    (measure.within * 100).toFixed(3),
    measure.posts === undefined ? '' : (measure.posts.max / measure.bound).toFixed(3),
    (shift.relief * 100).toFixed(1),
    shiftText(measure),
  ];
}

/** East, north; in brackets where too little of the relief or of the level was seen for the place to mean much. */
function shiftText({ shift, tiles, tilesThere }: LevelMeasure): string {
  if (!(shift.relief >= LEAST_RELIEF)) return 'no relief';
  const clear = shift.reliefBest >= CLEAR_RELIEF && tiles === tilesThere;
  return clear ? `${shift.east},${shift.north}` : `(${shift.east},${shift.north})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padStart(widths[i]))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

function faultLines(faults: readonly Fault[], shown: number): string[] {
  if (faults.length === 0) return ['no faults'];
  const kinds = new Map<string, Fault[]>();
  for (const fault of faults) {
    const kind = kinds.get(fault.code);
    if (kind === undefined) kinds.set(fault.code, [fault]);
    else kind.push(fault);
  }
  const lines = [`${faults.length} faults`];
  for (const [code, all] of kinds) {
    lines.push(`${code}: ${all.length}`);
    for (const { tile, message } of all.slice(0, shown))
      lines.push(`  ${tile === undefined ? '' : `${tile}: `}${message}`);
  }
  return lines;
}
