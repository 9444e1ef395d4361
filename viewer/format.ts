/** Figures as people read them. */

const METRES = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Metres with one decimal: `3,055.2 m`. Never a negative zero. */
export function formatMetres(metres: number): string {
  const rounded = Math.round(metres * 10) / 10;
  return `${METRES.format(rounded === 0 ? 0 : rounded).replace('-', '−')} m`;
}

/** Whole metres: `3,055 m`. */
export function formatWholeMetres(metres: number): string {
  const rounded = Math.round(metres);
  return `${WHOLE.format(rounded === 0 ? 0 : rounded).replace('-', '−')} m`;
}

/** A small length with as many decimals as it deserves: `0.77 m`, `12.4 m`, `310 m`. */
export function formatFineMetres(metres: number): string {
  return writeFine(metres, decimalsOf(metres));
}

/** The same of an upper bound: never rounded down. */
export function formatFineMetresUp(metres: number): string {
  const decimals = decimalsOf(metres);
  const unit = 10 ** decimals;
  return writeFine(Math.ceil(metres * unit - 1e-9) / unit, decimals);
}

function decimalsOf(metres: number): number {
  return metres < 1 ? 2 : metres < 100 ? 1 : 0;
}

function writeFine(metres: number, decimals: number): string {
  const format = new Intl.NumberFormat('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return `${format.format(metres)} m`;
}

/** An upper bound with two decimals, never rounded down: `0.98`. */
export function formatRatioUp(ratio: number): string {
  return (Math.ceil(ratio * 100 - 1e-9) / 100).toFixed(2);
}

/** Degrees to five decimals, about a metre: `20.70972° N, 156.25333° W`. */
export function formatPosition(longitude: number, latitude: number): string {
  const north = `${Math.abs(latitude).toFixed(5)}° ${latitude < 0 ? 'S' : 'N'}`;
  const east = `${Math.abs(longitude).toFixed(5)}° ${longitude < 0 ? 'W' : 'E'}`;
  return `${north}, ${east}`;
}

/** A length on the ground: `500 m`, `20 km`. */
export function formatLength(metres: number): string {
  return metres < 1000 ? `${WHOLE.format(metres)} m` : `${WHOLE.format(metres / 1000)} km`;
}

/** The greatest of 1, 2 or 5 times a power of ten that is not above the value (> 0). */
export function roundDownNicely(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = value / power;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

/** The least round number (one or two digits, then zeros) that is not below the value (> 0). */
export function roundUpNicely(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = value / power;
  return ([1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8].find((round) => digit <= round + 1e-9) ?? 10) * power;
}
