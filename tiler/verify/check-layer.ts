/**
 * Judges layer.json by what CesiumJS, cesium-native and QGIS need of it (quantized-mesh-1.0). Availability ranges count y
 * from the **south** whatever the order of rows in addresses, both ends inclusive.
 */
import type { Fault, FaultCode } from './fault.ts';
import { openTiling, type Tiling } from './tiling.ts';

export interface LayerDocument {
  /** False where there is no layer.json, or none that can be read: the rest is then what clients assume. */
  readonly readable: boolean;
  readonly tiling: Tiling;
  readonly name: string | undefined;
  readonly attribution: string | undefined;
  /** Empty when there is none. */
  readonly version: string;
  readonly templates: readonly string[];
  /** Degrees. */
  readonly bounds: readonly [number, number, number, number] | undefined;
  /** Undefined where the document has none that can be read. */
  readonly available: readonly (readonly Range[])[] | undefined;
  readonly extensions: readonly string[];
  /** Levels between tiles that carry the metadata of their descendants; undefined when none does. */
  readonly metadataAvailability: number | undefined;
  /** First level with relief, `relievo.minZoom` or `minzoom`: those before it are flat on purpose. */
  readonly firstRelief: number;
  /** `relievo.maxErrorFactor`, else 1. */
  readonly maxErrorFactor: number;
  /** `relievo.datum.source`, where the user of the tiler gave it; undefined in documents of others. */
  readonly datum: string | undefined;
}

export interface Range {
  readonly startX: number;
  readonly startY: number;
  readonly endX: number;
  readonly endY: number;
}

type Json = Record<string, unknown>;
type Report = (code: FaultCode, message: string) => void;

/** Reads and judges the text of layer.json; `text` undefined when the file is missing. */
export function checkLayer(text: string | undefined): { document: LayerDocument; faults: Fault[] } {
  const faults: Fault[] = [];
  const fault: Report = (code, message) => {
    faults.push({ code, message });
  };
  return { document: readLayer(parse(text, fault), fault), faults };
}

function parse(text: string | undefined, fault: Report): Json | undefined {
  if (text === undefined) {
    fault('layer-unreadable', 'there is no layer.json: CesiumJS then takes the tiles for another format');
    return undefined;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
    fault('layer-unreadable', 'layer.json is JSON, but no object');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    fault('layer-unreadable', `layer.json cannot be read as JSON: ${why}`);
  }
  return undefined;
}

function readLayer(layer: Json | undefined, fault: Report): LayerDocument {
  if (layer === undefined) {
    return {
      readable: false,
      tiling: openTiling(),
      name: undefined,
      attribution: undefined,
      version: '',
      templates: [],
      bounds: undefined,
      available: undefined,
      extensions: [],
      metadataAvailability: undefined,
      firstRelief: 0,
      maxErrorFactor: 1,
      datum: undefined,
    };
  }
  const tiling = readTiling(layer, fault);
  checkWords(layer, fault);
  const templates = readTemplates(layer, fault);
  const bounds = readBounds(layer, fault);
  const metadata = readMetadata(layer, fault);
  const extensions = readExtensions(layer, metadata, fault);
  const levels = readLevels(layer, fault);
  const own = isObject(layer.relievo) ? layer.relievo : {};
  const datum = isObject(own.datum) && own.datum.known === 'option' ? own.datum.source : undefined;
  return {
    readable: true,
    tiling,
    name: textOf(layer.name),
    attribution: textOf(layer.attribution),
    version: textOf(layer.version) ?? '',
    templates,
    bounds,
    available: readAvailable(layer, levels, tiling, metadata, fault),
    extensions,
    metadataAvailability: metadata,
    firstRelief: levelOf(own.minZoom) ?? levelOf(layer.minzoom) ?? 0,
    maxErrorFactor: typeof own.maxErrorFactor === 'number' ? own.maxErrorFactor : 1,
    datum: textOf(datum),
  };
}

function readTiling({ projection, scheme }: Json, fault: Report): Tiling {
  if (projection !== 'EPSG:4326' && projection !== 'EPSG:3857') {
    const what = `projection is ${JSON.stringify(projection)}`;
    if (projection === undefined) fault('layer-field', 'projection is missing: QGIS needs it, others take EPSG:4326');
    else fault('layer-field', `${what}, expected EPSG:4326 or EPSG:3857: CesiumJS throws`);
  }
  if (scheme === undefined) fault('layer-field', 'scheme is missing: QGIS needs it, others take tms');
  else if (scheme === 'slippyMap') {
    fault('layer-habit', 'scheme is slippyMap: cesium-native does not read it and takes the rows from the south');
  } else if (scheme !== 'tms') {
    fault('layer-field', `scheme is ${JSON.stringify(scheme)}, expected tms (rows from the south) or slippyMap`);
  }
  return openTiling(
    projection === 'EPSG:3857' ? 'EPSG:3857' : 'EPSG:4326',
    scheme === 'slippyMap' ? 'slippyMap' : 'tms',
  );
}

function checkWords(layer: Json, fault: Report): void {
  if (layer.format !== 'quantized-mesh-1.0') {
    fault('layer-field', `format is ${JSON.stringify(layer.format)}, expected "quantized-mesh-1.0"`);
  }
  if (typeof layer.version !== 'string' || layer.version === '') {
    fault('layer-field', `version is ${JSON.stringify(layer.version)}, expected text: QGIS needs it`);
  }
  if (layer.tilejson !== '2.1.0') {
    fault('layer-habit', `tilejson is ${JSON.stringify(layer.tilejson)}, usually "2.1.0"`);
  }
  for (const name of ['name', 'description', 'attribution']) {
    if (typeof layer[name] !== 'string')
      fault('layer-habit', `${name} is ${JSON.stringify(layer[name])}, usually text`);
  }
  if (layer.parentUrl !== undefined) {
    fault('layer-habit', 'parentUrl names another set, which QGIS does not read and which is not looked at here');
  }
}

function readTemplates({ tiles, version }: Json, fault: Report): string[] {
  if (!Array.isArray(tiles) || tiles.length === 0 || !tiles.every((tile) => typeof tile === 'string')) {
    fault('layer-field', `tiles is ${JSON.stringify(tiles)}, expected at least one address template`);
    return [];
  }
  for (const template of tiles as string[]) {
    const missing = ['{z}', '{x}', '{y}'].filter((part) => !template.includes(part));
    if (missing.length > 0) fault('layer-field', `the template ${template} lacks ${missing.join(', ')}`);
    if (template.includes('{version}') && typeof version !== 'string') {
      fault('layer-field', `the template ${template} names {version}, and there is no version to put there`);
    }
  }
  return (tiles as string[]).filter(
    (template) => /\{z\}/.test(template) && /\{x\}/.test(template) && /\{y\}/.test(template),
  );
}

function readBounds({ bounds }: Json, fault: Report): LayerDocument['bounds'] {
  const numbers = Array.isArray(bounds) && bounds.length === 4 ? bounds.map(Number) : [];
  const [west, south, east, north] = numbers;
  const inWorld = numbers.length === 4 && Math.abs(west) <= 180 && Math.abs(east) <= 180 && south >= -90 && north <= 90;
  if (inWorld && south < north && west !== east) return [west, south, east, north];
  const what = `bounds are ${JSON.stringify(bounds)}`;
  fault('layer-field', `${what}, expected [west, south, east, north] in degrees: QGIS takes its extent from them`);
  return undefined;
}

function readMetadata({ metadataAvailability: value }: Json, fault: Report): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  fault('layer-field', `metadataAvailability is ${JSON.stringify(value)}, expected a whole number above 0`);
  return undefined;
}

const KNOWN: readonly string[] = ['octvertexnormals', 'watermask', 'metadata'];

function readExtensions({ extensions }: Json, metadata: number | undefined, fault: Report): string[] {
  if (extensions === undefined) return [];
  if (typeof extensions === 'string') {
    fault('layer-habit', `extensions is the text ${JSON.stringify(extensions)}, usually a list`);
    return [extensions];
  }
  const names = Array.isArray(extensions) ? extensions.filter((name) => typeof name === 'string') : [];
  if (!Array.isArray(extensions) || names.length < extensions.length) {
    fault('layer-field', `extensions is ${JSON.stringify(extensions)}, expected a list of names`);
  }
  for (const name of names) {
    if (name === 'vertexnormals') {
      fault('layer-field', 'extensions lists vertexnormals, the old name: CesiumJS then reads lengths as big-endian');
    } else if (!KNOWN.includes(name)) {
      fault(
        'layer-habit',
        `extensions lists ${JSON.stringify(name)}, which CesiumJS, cesium-native and QGIS do not know`,
      );
    }
  }
  if (names.includes('metadata') && metadata === undefined) {
    fault(
      'layer-field',
      'extensions lists metadata without metadataAvailability: CesiumJS fails on tiles that carry it',
    );
  }
  return names;
}

function readLevels({ minzoom, maxzoom }: Json, fault: Report): number | undefined {
  if ((minzoom === undefined) !== (maxzoom === undefined)) {
    fault('layer-field', 'of minzoom and maxzoom only one is there: QGIS wants both or neither');
  }
  if (minzoom !== undefined && minzoom !== 0) {
    fault('layer-field', `minzoom is ${JSON.stringify(minzoom)}, expected 0: all clients begin at the roots`);
  }
  if (maxzoom === undefined) return undefined;
  if (typeof maxzoom === 'number' && Number.isInteger(maxzoom) && maxzoom >= 0) return maxzoom + 1;
  fault('layer-field', `maxzoom is ${JSON.stringify(maxzoom)}, expected the deepest level`);
  return undefined;
}

function readAvailable(
  { available }: Json,
  levels: number | undefined,
  tiling: Tiling,
  metadata: number | undefined,
  fault: Report,
): Range[][] | undefined {
  const wrong = (message: string): void => fault('layer-available', message);
  if (!Array.isArray(available)) {
    if (metadata === undefined)
      wrong('available is missing, and metadataAvailability too: CesiumJS throws at every tile');
    else
      fault('layer-habit', 'available is missing: QGIS does not read metadataAvailability, which stands in its place');
    return undefined;
  }
  if (levels !== undefined && available.length !== levels) {
    wrong(`available lists ${available.length} levels, maxzoom tells of ${levels}`);
  }
  const lists = available.map((list: unknown, z): Range[] => {
    if (!Array.isArray(list)) {
      wrong(`available at level ${z} is no list`);
      return [];
    }
    return list.filter((range: unknown): range is Range => {
      if (isRange(range, z, tiling)) return true;
      wrong(`available at level ${z} holds ${JSON.stringify(range)}, which is no range of that level`);
      return false;
    });
  });
  lists.forEach((list, z) => {
    if (list.length === 0) wrong(`available at level ${z} is empty`);
    const [one, other] = overlapping(list);
    if (one && other)
      wrong(`available at level ${z} names tiles twice: ${JSON.stringify(one)}, ${JSON.stringify(other)}`);
  });
  for (let x = 0; x < tiling.columns(0); x++) {
    if (!(lists[0] ?? []).some((range) => range.startX <= x && x <= range.endX)) {
      fault('root-missing', `available does not list root 0/${x}/0: its part of the globe never appears`);
    }
  }
  return lists;
}

function isRange(value: unknown, z: number, tiling: Tiling): value is Range {
  if (!isObject(value)) return false;
  const { startX, startY, endX, endY } = value;
  return inOrder(startX, endX, tiling.columns(z)) && inOrder(startY, endY, tiling.rows(z));
}

function inOrder(start: unknown, end: unknown, count: number): boolean {
  return (
    Number.isInteger(start) &&
    Number.isInteger(end) &&
    0 <= Number(start) &&
    Number(start) <= Number(end) &&
    Number(end) < count
  );
}

/** The first two ranges that share a tile, looked for in the order of their rows; empty when there are none. */
function overlapping(list: readonly Range[]): readonly Range[] {
  const sorted = [...list].sort((a, b) => a.startY - b.startY);
  let open: Range[] = [];
  for (const range of sorted) {
    open = open.filter((other) => other.endY >= range.startY);
    const hit = open.find((other) => other.startX <= range.endX && range.startX <= other.endX);
    if (hit) return [hit, range];
    open.push(range);
  }
  return [];
}

function levelOf(value: unknown): number | undefined {
  return Number.isInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
