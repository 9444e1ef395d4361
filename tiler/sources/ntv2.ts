/**
 * NTv2 datum grids (.gsb; National Transformation version 2, Natural Resources Canada): records of 16 bytes, subgrids one
 * after another, nodes from the **south-east**, longitudes positive to the west, shifts in seconds of arc.
 */
import { RelievoError } from '../error.ts';
import type { DatumGrid, DatumSubgrid } from '../geo/datum-grid.ts';

const RECORD = 16;
const HEADER = 11 * RECORD;
const MAX_SIDE = 2 ** 15;
/** Degrees in a unit of the header, by its GS_TYPE. */
const UNITS: Readonly<Record<string, number>> = { SECONDS: 1 / 3600, MINUTES: 1 / 60, DEGREES: 1 };

/** Whether the bytes begin as an NTv2 file does. */
export function looksLikeNtv2(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER && textAt(bytes, 0) === 'NUM_OREC';
}

/** Reads the whole file. Refuses a broken one with `input-invalid`. */
export function readNtv2(bytes: Buffer<ArrayBuffer>, name: string, version: string): DatumGrid {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const invalid = (what: string) =>
    new RelievoError('input-invalid', `${name} is not a sound NTv2 grid: ${what}; get it again.`, { where: name });
  const little = view.getInt32(8, true) === 11;
  if (!little && view.getInt32(8, false) !== 11) throw invalid('its header should have 11 records');
  const count = view.getInt32(2 * RECORD + 8, little);
  const type = textAt(bytes, 3 * RECORD + 8);
  const unit = UNITS[type];
  if (unit === undefined) throw invalid(`its unit is "${type}"; expected SECONDS, MINUTES or DEGREES`);
  if (!(count >= 1 && count <= 10000)) throw invalid(`it should hold at least one grid and says ${count}`);
  const subgrids: DatumSubgrid[] = [];
  for (let i = 0, at = HEADER; i < count; i++) {
    if (at + HEADER > bytes.length)
      throw invalid(`it ends at byte ${bytes.length}, within the header of grid ${i + 1}`);
    const number = (record: number) => view.getFloat64(at + record * RECORD + 8, little);
    const [south, north, east, west] = [number(4), number(5), -number(6), -number(7)];
    const [stepLat, stepLon] = [number(8), number(9)];
    if (!(stepLat > 0 && stepLon > 0 && north > south && east > west)) {
      throw invalid(`grid ${i + 1} has no size`);
    }
    const rows = Math.round((north - south) / stepLat) + 1;
    const columns = Math.round((east - west) / stepLon) + 1;
    const nodes = view.getInt32(at + 10 * RECORD + 8, little);
    if (!isSide(rows) || !isSide(columns) || rows * columns !== nodes) {
      throw invalid(`grid ${i + 1} says that it has ${nodes} nodes in ${columns} columns and ${rows} rows`);
    }
    const start = at + HEADER;
    at = start + nodes * RECORD;
    if (at > bytes.length) throw invalid(`its data should reach byte ${at}, and it has ${bytes.length}`);
    const shiftLat = new Float32Array(nodes);
    const shiftLon = new Float32Array(nodes);
    for (let k = 0; k < nodes; k++) {
      shiftLat[nodes - 1 - k] = view.getFloat32(start + k * RECORD, little) * unit;
      shiftLon[nodes - 1 - k] = -view.getFloat32(start + k * RECORD + 4, little) * unit;
    }
    const place = { west: west * unit, north: north * unit, spacingLon: stepLon * unit, spacingLat: stepLat * unit };
    subgrids.push({ ...place, columns, rows, shiftLat, shiftLon });
  }
  const [sourceRadius, targetRadius] = [
    view.getFloat64(7 * RECORD + 8, little),
    view.getFloat64(9 * RECORD + 8, little),
  ];
  return { name, version, sourceRadius, targetRadius, interpolationMetres: 0, subgrids };
}

function isSide(nodes: number): boolean {
  return Number.isInteger(nodes) && nodes >= 2 && nodes <= MAX_SIDE;
}

function textAt(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, at + 8))
    .toString('latin1')
    .replace(/[\0 ]+$/, '');
}
