/**
 * What a GDAL VRT (a virtual raster in XML) says: its grid and the files that its first band is laid together from. The
 * subset that gdalbuildvrt and gdal_translate write for heights is read; the rest is refused by its name.
 */
import { RelievoError } from '../error.ts';
import { attributeOf, childOf, childrenOf, readXml, textOf, type XmlElement } from './xml-tree.ts';

/** Sides of a rectangle in samples, counted from the outer corner; fractions may be. */
export interface VrtRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface VrtSource {
  /** As written. */
  readonly name: string;
  readonly relativeToVrt: boolean;
  /** Samples of the whole file, where the VRT says it. */
  readonly size: { readonly columns: number; readonly rows: number } | undefined;
  readonly from: VrtRect;
  readonly to: VrtRect;
  /** Stored value that does not cover what lies below. */
  readonly nodata: number | undefined;
  readonly ratio: number;
  readonly offset: number;
  /** Whether values may have to be rounded and cut to the band's type. */
  readonly converts: boolean;
}

export interface VrtDocument {
  readonly columns: number;
  readonly rows: number;
  /** The coordinate system as written; undefined when none is. */
  readonly srs: string | undefined;
  /** GDAL's six numbers: of the outer corner. */
  readonly geoTransform: readonly number[] | undefined;
  /** As GDAL names it, in lower case: `int16`. */
  readonly dataType: string;
  readonly nodata: number | undefined;
  readonly scale: number;
  readonly offset: number;
  readonly unit: string | undefined;
  /** In the order drawn: later ones lie on top. */
  readonly sources: readonly VrtSource[];
}

const DATA_TYPES: ReadonlySet<string> = new Set([
  ...['byte', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float32', 'float64'],
]);
/** What a source may hold; all else would change its samples in ways that are not read. */
const SOURCE_PARTS: ReadonlySet<string> = new Set([
  ...['SourceFilename', 'SourceBand', 'SourceProperties', 'SrcRect', 'DstRect', 'NODATA', 'ScaleOffset', 'ScaleRatio'],
  'UseMaskBand',
]);
const MAX_SIDE = 2 ** 31 - 1;
const MAX_SOURCES = 200_000;

/** Refuses with `input-invalid` what is broken, with `input-unsupported` what lies beyond the subset. */
export function readVrt(text: string, path: string): VrtDocument {
  const fault = (what: string) =>
    new RelievoError('input-invalid', `${path} is no sound VRT: ${what}.`, { where: path });
  const beyond = (what: string) =>
    new RelievoError(
      'input-unsupported',
      `${path} ${what}, which Relievo does not read; make a plain file of it with gdal_translate -of COG.`,
      { where: path },
    );
  const root = readXml(text, path);
  if (root.name !== 'VRTDataset') throw fault(`its root is <${root.name.slice(0, 40)}>, not <VRTDataset>`);
  const kind = attributeOf(root, 'subClass');
  if (kind !== undefined) throw beyond(`is a ${kind.slice(0, 40)}`);
  for (const name of ['Group', 'GDALWarpOptions', 'PansharpeningOptions', 'ProcessingSteps']) {
    if (childOf(root, name) !== undefined) throw beyond(`holds <${name}>`);
  }
  const bands = childrenOf(root, 'VRTRasterBand');
  const [band] = bands;
  if (band === undefined) throw fault('it has no band (VRTRasterBand)');
  const first = readBand(band);
  for (const other of bands.slice(1)) {
    const name = childrenOf(other).find(isSource);
    const same = name && textOf(childOf(name, 'SourceFilename') ?? name);
    if (same !== first.sources[0]?.name) {
      throw beyond('has a band for each file (gdalbuildvrt -separate), where heights stand in one');
    }
  }
  const srs = childOf(root, 'SRS');
  const transform = childOf(root, 'GeoTransform');
  return {
    columns: whole(attributeOf(root, 'rasterXSize'), 'rasterXSize'),
    rows: whole(attributeOf(root, 'rasterYSize'), 'rasterYSize'),
    srs: (srs && textOf(srs)) || undefined,
    geoTransform: transform && sixNumbers(textOf(transform)),
    ...first,
  };

  function readBand(element: XmlElement) {
    const subClass = attributeOf(element, 'subClass');
    if (subClass !== undefined) throw beyond(`has a band of class ${subClass.slice(0, 40)}`);
    const dataType = (attributeOf(element, 'dataType') ?? 'Byte').toLowerCase();
    if (!DATA_TYPES.has(dataType)) throw beyond(`has heights of type ${dataType.slice(0, 40)}`);
    const parts = childrenOf(element);
    const odd = parts.find(({ name }) => /Source$/.test(name) && name !== 'SimpleSource' && name !== 'ComplexSource');
    if (odd !== undefined) throw beyond(`has a <${odd.name.slice(0, 40)}>`);
    const elements = parts.filter(isSource);
    if (elements.length > MAX_SOURCES)
      throw fault(`it has ${elements.length} sources, at most ${MAX_SOURCES} are read`);
    if (elements.length === 0) throw fault('its first band has no source');
    const unit = childOf(element, 'UnitType');
    const scale = numberIn(element, 'Scale', 1);
    if (scale === 0) throw fault('its heights have scale 0');
    return {
      dataType,
      nodata: nodataIn(element, 'NoDataValue'),
      scale,
      offset: numberIn(element, 'Offset', 0),
      unit: (unit && textOf(unit).slice(0, 80)) || undefined,
      sources: elements.map((source) => readSource(source, dataType)),
    };
  }

  function readSource(element: XmlElement, bandType: string): VrtSource {
    for (const { name } of childrenOf(element)) {
      if (!SOURCE_PARTS.has(name)) throw beyond(`has a source with <${name.slice(0, 40)}>`);
    }
    const file = childOf(element, 'SourceFilename');
    const name = file === undefined ? '' : textOf(file);
    if (file === undefined || name === '') throw fault('a source names no file (SourceFilename)');
    const bandNumber = childOf(element, 'SourceBand');
    if (bandNumber !== undefined && textOf(bandNumber) !== '1') {
      throw beyond(`takes band ${textOf(bandNumber).slice(0, 20)} of ${name.slice(0, 200)}`);
    }
    const said = childOf(element, 'SourceProperties');
    const size = said && {
      columns: whole(attributeOf(said, 'RasterXSize'), 'RasterXSize'),
      rows: whole(attributeOf(said, 'RasterYSize'), 'RasterYSize'),
    };
    const all = size && { x: 0, y: 0, width: size.columns, height: size.rows };
    const from = rectIn(element, 'SrcRect') ?? all;
    if (from === undefined) throw fault(`it does not say which part of ${name.slice(0, 200)} it takes (SrcRect)`);
    const grid = { columns: attributeOf(root, 'rasterXSize'), rows: attributeOf(root, 'rasterYSize') };
    const to = rectIn(element, 'DstRect') ?? {
      ...{ x: 0, y: 0 },
      width: whole(grid.columns, 'rasterXSize'),
      height: whole(grid.rows, 'rasterYSize'),
    };
    const resampling = attributeOf(element, 'resampling') ?? 'nearest';
    if (!/^near/i.test(resampling) && !isCopy(from, to)) {
      throw beyond(`resamples ${name.slice(0, 200)} by ${resampling.slice(0, 40)}`);
    }
    const complex = element.name === 'ComplexSource';
    const [ratio, offset] = complex
      ? [numberIn(element, 'ScaleRatio', 1), numberIn(element, 'ScaleOffset', 0)]
      : [1, 0];
    const type = said && attributeOf(said, 'DataType')?.toLowerCase();
    return {
      name,
      relativeToVrt: attributeOf(file, 'relativeToVRT') === '1',
      size,
      from,
      to,
      nodata: complex ? nodataIn(element, 'NODATA') : undefined,
      ratio,
      offset,
      converts: type !== bandType || ratio !== 1 || offset !== 0,
    };
  }

  function rectIn(element: XmlElement, name: string): VrtRect | undefined {
    const rect = childOf(element, name);
    if (rect === undefined) return undefined;
    const side = (key: string) => Number(attributeOf(rect, key)?.trim() || Number.NaN);
    const [x, y, width, height] = [side('xOff'), side('yOff'), side('xSize'), side('ySize')];
    const fits = [x, y, width, height].every((value) => Math.abs(value) <= MAX_SIDE) && width > 0 && height > 0;
    if (fits) return { x, y, width, height };
    throw fault(`a <${name}> is no rectangle: expected numbers xOff, yOff, xSize, ySize, the sizes above 0`);
  }

  function numberIn(element: XmlElement, name: string, fallback: number): number {
    const part = childOf(element, name);
    const value = part === undefined ? fallback : Number(textOf(part) || Number.NaN);
    if (Number.isFinite(value)) return value;
    throw fault(`<${name}> is "${part === undefined ? '' : textOf(part).slice(0, 40)}"; expected a number`);
  }

  function nodataIn(element: XmlElement, name: string): number | undefined {
    const part = childOf(element, name);
    if (part === undefined || /^[+-]?(nan|inf)/i.test(textOf(part))) return undefined;
    return Math.fround(numberIn(element, name, 0));
  }

  function whole(value: string | undefined, name: string): number {
    const number = Number(value ?? Number.NaN);
    if (Number.isInteger(number) && number > 0 && number <= MAX_SIDE) return number;
    throw fault(`${name} is "${(value ?? '').slice(0, 40)}"; expected a whole number above 0`);
  }

  function sixNumbers(value: string): readonly number[] {
    const numbers = value.split(',').map((part) => Number(part.trim() || Number.NaN));
    const [, a = 0, b = 0, , d = 0, e = 0] = numbers;
    if (numbers.length === 6 && numbers.every(Number.isFinite) && a * e - b * d !== 0) return numbers;
    throw fault(`<GeoTransform> is "${value.slice(0, 80)}"; expected six numbers that give samples a size`);
  }
}

function isSource({ name }: XmlElement): boolean {
  return name === 'SimpleSource' || name === 'ComplexSource';
}

/** Whether samples fall on samples, so that how they are resampled does not matter. */
function isCopy(from: VrtRect, to: VrtRect): boolean {
  const offsets = [from.x - to.x, from.y - to.y];
  return from.width === to.width && from.height === to.height && offsets.every(Number.isInteger);
}
