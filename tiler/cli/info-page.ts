/** The facts about a source as a page for people: aligned plain text, at most 96 columns. */
import { type SourceFacts, shareText } from './describe-source.ts';
import { type Paint, wrapText } from './paint.ts';
import { bytesText, count } from './progress.ts';
import { formatTable, metres } from './table.ts';

const WIDTH = 96;
const LABEL = 14;

type OneSource = SourceFacts['sources'][number];

/** Lines of one label: the first beside it, the others below the first. */
type Entry = readonly [label: string, ...texts: readonly (string | undefined)[]];

const HOW_KNOWN = {
  option: 'as you say',
  file: 'the file says so',
  format: 'by the kind of file',
  assumed: 'ASSUMED',
} as const;

/** A datum that is known, with a geoid that is not at hand. */
const STAND_IN = 'EGM96 STANDS IN';

export function infoPage(facts: SourceFacts, paint: Paint): string {
  const { sources, sourceCount } = facts;
  const several = sourceCount > 1;
  const blocks = [
    ...(several ? [paint('title', `${sourceCount} sources, the one on top first`)] : []),
    ...sources.flatMap((source) => [
      paint('title', source.name),
      section(file(source), paint),
      section(place(source), paint),
      section([...heights(source, facts.maxFillSamples), ...(several ? [join(source)] : [])], paint),
    ]),
    ...(sourceCount > sources.length ? [`and ${sourceCount - sources.length} more`] : []),
    section([...shape(facts), ...tiling(facts)], paint),
    table(facts, paint),
    warnings(facts, paint),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function file(facts: OneSource): Entry[] {
  const { fileCount, columns, rows, sampleType, nodata, storedOverviews, overviews } = facts;
  const kept = storedOverviews === 0 ? 'none in the source' : `${storedOverviews} in the source`;
  const computed = overviews - storedOverviews;
  const made = computed > 0 ? `; ${levels(computed)} made when it is prepared` : '';
  return [
    ['Format', `${facts.format}, ${sampleType}${nodata === null ? '' : `, no data = ${nodata}`}`],
    ...(fileCount > 1 ? [['Files', `${count(fileCount)} sheets of one grid`] as const] : []),
    ['Size', `${count(columns)} x ${count(rows)} samples`],
    ['Overviews', overviews === 0 ? 'none, and none needed' : `${kept}${made}`],
  ];
}

function place({ crs, bounds, extentMetres, areaSquareMetres, spacingMetres, spacingArcSeconds }: OneSource): Entry[] {
  const [west, south, east, north] = bounds;
  const { accuracyMetres: accuracy } = crs;
  const exact =
    accuracy === null
      ? 'how exact positions are, nobody says'
      : accuracy === 0
        ? 'positions as exact as the file itself'
        : `positions within ${metres(accuracy)} m of their true place`;
  return [
    ['CRS', crs.name, exact, crs.note, crs.grids.length > 0 ? `with ${crs.grids.join(', ')}` : undefined],
    [
      'Extent',
      `${degrees(west, 'E', 'W')} to ${degrees(east > 180 ? east - 360 : east, 'E', 'W')}, ` +
        `${degrees(south, 'N', 'S')} to ${degrees(north, 'N', 'S')}${east > 180 ? ', across the date line' : ''}`,
      `${distance(extentMetres.east)} by ${distance(extentMetres.north)}; the data cover ${area(areaSquareMetres)}`,
    ],
    [
      'Resolution',
      `${metres(spacingMetres.east)} m east, ${metres(spacingMetres.north)} m north ` +
        `(${seconds(spacingArcSeconds.east)} by ${seconds(spacingArcSeconds.north)} arc seconds)`,
    ],
  ];
}

function join({ featherMetres }: OneSource): Entry {
  return ['Join', `spread over ${distance(featherMetres)} to what lies below`];
}

function heights({ vertical, heights: found }: OneSource, maxFillSamples: number): Entry[] {
  const { known, expectedErrorMetres: error } = vertical;
  const how = known === 'assumed' && vertical.datum !== 'egm96' ? STAND_IN : HOW_KNOWN[known];
  const added = vertical.geoid === 'none' ? 'no geoid to add' : `geoid added: ${vertical.geoid}`;
  const expected = error ? `expected error about ${error} m` : 'no error expected';
  const basis = {
    all: `all ${count(found.samplesRead)} samples read`,
    overview: `read from overview ${found.readsSourceLevel}, whose samples are means of many`,
    parts: `read from parts, ${count(found.samplesRead)} samples`,
    none: '',
  }[found.basis];
  const unknown = 'known once it is prepared (relievo prepare), as it can only be unpacked from its beginning';
  const range =
    found.basis === 'none'
      ? unknown
      : found.minMetres === null || found.maxMetres === null
        ? 'nothing but void'
        : `${heightsText(found.minMetres, found.maxMetres)} (${basis})`;
  const voids =
    found.basis === 'none'
      ? 'known once it is prepared'
      : found.voidShare === 0
        ? 'none'
        : `${shareText(found.voidShare)}; filled up to ${maxFillSamples} samples across`;
  return [
    ['Heights', `above ${vertical.datumName}: ${how}`, vertical.statement, `${added}; ${expected}`],
    ['Unit', vertical.unitMetres === 1 ? vertical.unit : `${vertical.unit} (${vertical.unitMetres} m)`],
    ['Range', range],
    ['Voids', voids],
  ];
}

function shape({ clipped, flattened, flattenedCount }: SourceFacts): Entry[] {
  const areas = flattened.map(({ name, height, datum, from, featherMetres }) => {
    const above = `m ${datum === 'ellipsoid' ? 'above the ellipsoid' : 'above sea level'}`;
    const found = from === 'outline' ? ', the median along its outline' : '';
    return `${name}: ${height === null ? 'known once the source is prepared' : `${height.toFixed(2)} ${above}${found}`}; feather ${metres(featherMetres)} m`;
  });
  const more = flattenedCount > flattened.length ? [`and ${count(flattenedCount - flattened.length)} more`] : [];
  return [
    ...(clipped ? [['Clip', 'only what lies inside the polygons of --clip is used'] as const] : []),
    ...(areas.length > 0 ? [['Flattened', ...areas, ...more] as const] : []),
  ];
}

function tiling({ nativeLevel, levels: all, tiles, estimatedBytes, tilesMadeForEstimate }: SourceFacts): Entry[] {
  const native = all.find(({ z }) => z === nativeLevel);
  const exact = tilesMadeForEstimate === tiles;
  const basis = exact ? 'all were made to know' : `from ${count(tilesMadeForEstimate)} tiles made here, gzip`;
  return [
    [
      'Native level',
      `${nativeLevel}${native ? `: posts every ${metres(native.postSpacingMetres)} m, as dense as the samples` : ''}`,
    ],
    tilesMadeForEstimate === 0
      ? ['Tiles', `${count(tiles)}; their size is known once the source is prepared`]
      : ['Tiles', `${count(tiles)}, ${exact ? '' : 'about '}${bytesText(estimatedBytes)} (${basis})`],
  ];
}

function table({ levels, sourceLevels, tilesMadeForEstimate }: SourceFacts, paint: Paint): string {
  const rows = levels.map((level) => {
    const { scale, stored } = sourceLevels[level.readsSourceLevel];
    const reads = level.readsSourceLevel === 0 ? 'full resolution' : `1:${round(scale)}${stored ? '' : ', computed'}`;
    const exact = level.tilesMadeForEstimate === level.tiles;
    return [
      String(level.z),
      count(level.tiles),
      tilesMadeForEstimate === 0 ? '?' : `${exact ? '' : '~'}${bytesText(level.estimatedBytes)}`,
      long(level.boundMetres),
      long(level.postSpacingMetres),
      reads,
    ];
  });
  const [head = '', ...body] = formatTable(
    [
      { title: 'level' },
      { title: 'tiles' },
      { title: 'size' },
      { title: 'error bound (m)' },
      { title: 'posts every (m)' },
      { title: 'reads', align: 'left' },
    ],
    rows,
  ).split('\n');
  return [paint('label', `  ${head}`), ...body.map((line) => `  ${line}`)].join('\n');
}

function warnings({ warnings: sentences }: SourceFacts, paint: Paint): string {
  if (sentences.length === 0) return paint('good', 'No warnings.');
  const lines = sentences.flatMap((sentence) =>
    wrapText(sentence, WIDTH - 4).map((line, k) => `  ${k === 0 ? '!' : ' '} ${line}`),
  );
  const title = sentences.length === 1 ? '1 warning' : `${sentences.length} warnings`;
  return [title, ...lines].map((line) => paint('warn', line)).join('\n');
}

function section(entries: readonly Entry[], paint: Paint): string {
  return entries
    .flatMap(([label, ...texts]) => {
      const lines = texts.flatMap((text) => (text ? wrapText(text, WIDTH - LABEL - 2) : []));
      return lines.map((line, k) => `  ${paint('label', (k === 0 ? label : '').padEnd(LABEL))}${line}`);
    })
    .join('\n');
}

/** With decimals only where the range is small enough for them. */
function heightsText(min: number, max: number): string {
  const places = max - min >= 100 ? 0 : 2;
  return `${min.toFixed(places)} to ${max.toFixed(places)} m`;
}

function levels(number: number): string {
  return number === 1 ? '1 level is' : `${number} levels are`;
}

/** 157.00014 W; five decimals are a metre. */
function degrees(value: number, positive: string, negative: string): string {
  return `${Math.abs(value).toFixed(5)} ${value < 0 ? negative : positive}`;
}

function long(lengthMetres: number): string {
  return lengthMetres >= 1000 ? count(Math.round(lengthMetres)) : metres(lengthMetres);
}

function distance(lengthMetres: number): string {
  if (lengthMetres < 1000) return `${metres(lengthMetres)} m`;
  return lengthMetres < 1e5 ? `${(lengthMetres / 1000).toFixed(1)} km` : `${count(Math.round(lengthMetres / 1000))} km`;
}

function area(squareMetres: number): string {
  if (squareMetres < 1e6) return `${(squareMetres / 1e4).toPrecision(3)} ha`;
  return squareMetres < 1e8 ? `${(squareMetres / 1e6).toFixed(1)} km²` : `${count(Math.round(squareMetres / 1e6))} km²`;
}

function seconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}

function round(scale: number): string {
  const whole = Math.round(scale);
  return Math.abs(scale / whole - 1) < 0.02 ? String(whole) : scale.toFixed(1);
}
