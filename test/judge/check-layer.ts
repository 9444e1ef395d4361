/**
 * Judges layer.json by what CesiumJS, cesium-native and QGIS need of it together: the interoperable set of fields of
 * quantized-mesh-1.0 in EPSG:4326 with TMS rows. Availability ranges count y from the **south**, both ends inclusive.
 */
import type { Fault } from './fault.ts';

export interface LayerDocument {
  /** Undefined where the document has none that can be read. */
  readonly available: readonly (readonly Range[])[] | undefined;
  readonly extensions: readonly string[];
  /** `relievo.maxErrorFactor`, else 1. */
  readonly maxErrorFactor: number;
  /** `relievo.datum.source`; undefined in documents of others. */
  readonly datum: string | undefined;
}

export interface Range {
  readonly startX: number;
  readonly startY: number;
  readonly endX: number;
  readonly endY: number;
}

type Json = Record<string, unknown>;

/** Reads and judges the text of layer.json; `text` undefined when the file is missing. */
export function checkLayer(text: string | undefined): { document: LayerDocument; faults: Fault[] } {
  const faults: Fault[] = [];
  const empty: LayerDocument = { available: undefined, extensions: [], maxErrorFactor: 1, datum: undefined };
  if (text === undefined) {
    return { document: empty, faults: [{ code: 'layer-unreadable', message: 'there is no layer.json' }] };
  }
  let layer: Json;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isObject(parsed)) throw new Error('it is no object');
    layer = parsed;
  } catch (error) {
    const message = `layer.json cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`;
    return { document: empty, faults: [{ code: 'layer-unreadable', message }] };
  }
  const field = (message: string): void => {
    faults.push({ code: 'layer-field', message });
  };
  checkWords(layer, field);
  checkTemplates(layer, field);
  checkBounds(layer, field);
  const extensions = checkExtensionNames(layer, field);
  const levels = checkLevels(layer, field);
  const available = checkAvailable(layer, levels, faults);
  const own = isObject(layer.relievo) ? layer.relievo : {};
  const factor = own.maxErrorFactor;
  const datum = isObject(own.datum) ? own.datum.source : undefined;
  return {
    document: {
      available,
      extensions,
      maxErrorFactor: typeof factor === 'number' ? factor : 1,
      datum: typeof datum === 'string' ? datum : undefined,
    },
    faults,
  };
}

function checkWords(layer: Json, field: (message: string) => void): void {
  const fixed: readonly [string, string][] = [
    ['tilejson', '2.1.0'],
    ['format', 'quantized-mesh-1.0'],
    ['scheme', 'tms'],
    ['projection', 'EPSG:4326'],
  ];
  for (const [name, value] of fixed) {
    if (layer[name] !== value) field(`${name} is ${JSON.stringify(layer[name])}, expected ${JSON.stringify(value)}`);
  }
  for (const name of ['name', 'description', 'attribution']) {
    if (typeof layer[name] !== 'string') field(`${name} is ${JSON.stringify(layer[name])}, expected text`);
  }
  if (typeof layer.version !== 'string' || layer.version === '') {
    field(`version is ${JSON.stringify(layer.version)}, expected text: QGIS needs it, and {version} stands for it`);
  }
  if (layer.metadataAvailability !== undefined) {
    field('metadataAvailability makes CesiumJS ignore `available`, and QGIS does not read it');
  }
}

function checkTemplates(layer: Json, field: (message: string) => void): void {
  const { tiles } = layer;
  if (!Array.isArray(tiles) || tiles.length === 0 || !tiles.every((tile) => typeof tile === 'string')) {
    field(`tiles is ${JSON.stringify(tiles)}, expected at least one address template`);
    return;
  }
  for (const template of tiles as string[]) {
    const missing = ['{z}', '{x}', '{y}'].filter((part) => !template.includes(part));
    if (missing.length > 0) field(`the template ${template} lacks ${missing.join(', ')}`);
  }
}

function checkBounds(layer: Json, field: (message: string) => void): void {
  const { bounds } = layer;
  const numbers = Array.isArray(bounds) && bounds.length === 4 ? bounds.map(Number) : [];
  const [west, south, east, north] = numbers;
  const inWorld = numbers.length === 4 && Math.abs(west) <= 180 && Math.abs(east) <= 180 && south >= -90 && north <= 90;
  if (!inWorld || !(south < north) || west === east) {
    field(`bounds are ${JSON.stringify(bounds)}, expected [west, south, east, north] in degrees`);
  }
}

function checkExtensionNames(layer: Json, field: (message: string) => void): string[] {
  const { extensions } = layer;
  const names = Array.isArray(extensions) ? extensions.filter((name) => typeof name === 'string') : [];
  if (!Array.isArray(extensions) || names.length < extensions.length) {
    field(`extensions is ${JSON.stringify(extensions)}, expected a list of names`);
  }
  if (names.includes('metadata') && layer.metadataAvailability === undefined) {
    field('extensions lists metadata without metadataAvailability: CesiumJS fails on the tiles that carry it');
  }
  return names;
}

function checkLevels(layer: Json, field: (message: string) => void): number | undefined {
  const { minzoom, maxzoom } = layer;
  if (minzoom !== 0) field(`minzoom is ${JSON.stringify(minzoom)}, expected 0: QGIS wants it together with maxzoom`);
  if (typeof maxzoom !== 'number' || !Number.isInteger(maxzoom) || maxzoom < 0) {
    field(`maxzoom is ${JSON.stringify(maxzoom)}, expected the deepest level`);
    return undefined;
  }
  return maxzoom + 1;
}

function checkAvailable(layer: Json, levels: number | undefined, faults: Fault[]): Range[][] | undefined {
  const fault = (message: string): void => {
    faults.push({ code: 'layer-available', message });
  };
  const { available } = layer;
  if (!Array.isArray(available)) {
    fault('available is missing: without it CesiumJS throws at every tile');
    return undefined;
  }
  if (levels !== undefined && available.length !== levels) {
    fault(`available lists ${available.length} levels, maxzoom tells of ${levels}`);
  }
  const lists = available.map((list: unknown, z): Range[] => {
    if (!Array.isArray(list)) {
      fault(`available at level ${z} is no list`);
      return [];
    }
    return list.filter((range: unknown): range is Range => {
      if (isRange(range, z)) return true;
      fault(`available at level ${z} holds ${JSON.stringify(range)}, which is no range of that level`);
      return false;
    });
  });
  lists.forEach((list, z) => {
    if (list.length === 0) fault(`available at level ${z} is empty`);
    list.forEach((range, i) => {
      if (list.slice(0, i).some((other) => overlap(range, other))) {
        fault(`available at level ${z} names tiles twice: ${JSON.stringify(range)}`);
      }
    });
  });
  for (const x of [0, 1]) {
    if (!(lists[0] ?? []).some((range) => range.startX <= x && x <= range.endX)) {
      faults.push({ code: 'root-missing', message: `available does not list root 0/${x}/0: its half never appears` });
    }
  }
  return lists;
}

function isRange(value: unknown, z: number): value is Range {
  if (!isObject(value)) return false;
  const { startX, startY, endX, endY } = value;
  return inOrder(startX, endX, 2 ** (z + 1)) && inOrder(startY, endY, 2 ** z);
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

function overlap(a: Range, b: Range): boolean {
  return a.startX <= b.endX && b.startX <= a.endX && a.startY <= b.endY && b.startY <= a.endY;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
