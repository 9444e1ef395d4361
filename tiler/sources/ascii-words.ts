/** Words of a text as numbers, straight from its bytes: decimal numbers, with a comma too, and the names of what is none. */

const POWERS = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
/** Integers up to here, over powers of ten up to 10^22, divide to the nearest double. */
const MAX_EXACT = 2 ** 53;
const VOID = /^[+-]?(nan(\([^)]*\))?|inf(inity)?|1[.,]#\w*|\*+)$/i;

/**
 * Calls `take` with each number in the bytes, NaN for words like `nan` and `1.#QNAN`, and `refuse` with a word that is
 * none. Returns how many bytes are done with: a word that the end cuts is left for later unless this is the `last` piece.
 */
export function parseWords(
  bytes: Uint8Array,
  last: boolean,
  take: (value: number) => void,
  refuse: (word: string) => never,
): number {
  const length = bytes.length;
  let i = 0;
  for (;;) {
    while (i < length && (bytes[i] ?? 0) <= 32) i++;
    const start = i;
    let mantissa = 0;
    let decimals = 0;
    let plain = true;
    let point = false;
    let digits = 0;
    let byte = bytes[i] ?? 0;
    const negative = byte === 45;
    if (negative || byte === 43) byte = bytes[++i] ?? 0;
    while (i < length && byte > 32) {
      if (byte >= 48 && byte <= 57) {
        mantissa = mantissa * 10 + byte - 48;
        digits++;
        if (point) decimals++;
      } else if ((byte === 46 || byte === 44) && !point) point = true;
      else plain = false;
      byte = bytes[++i] ?? 0;
    }
    if (start === length) return length;
    if (i === length && !last) return start;
    const power = POWERS[decimals];
    if (plain && digits > 0 && mantissa <= MAX_EXACT && power !== undefined) {
      take(negative ? -mantissa / power : mantissa / power);
    } else take(slowly(Buffer.from(bytes.subarray(start, i)).toString('latin1'), refuse));
  }
}

/** Exponents, many digits, and words that are no numbers. */
function slowly(word: string, refuse: (word: string) => never): number {
  const value = /^[+-]?[\d.,]/.test(word) && !/^[+-]?0[xob]/i.test(word) ? Number(word.replace(',', '.')) : Number.NaN;
  if (!Number.isNaN(value) || VOID.test(word)) return value;
  return refuse(word);
}
