/** Things that are alike to the bit, found by a hash table: vertices with the same position, or the same everything. */

/** For each row of `width` words the number of its kind, counted from 0 in the order of first appearance. */
export function numberRows(words: Int32Array, width: number): { numbers: Uint32Array; firsts: Uint32Array } {
  const rows = words.length / width;
  const size = 2 ** Math.ceil(Math.log2(Math.max(rows, 1) * 2));
  const table = new Int32Array(size).fill(-1);
  const numbers = new Uint32Array(rows);
  const firsts = new Uint32Array(rows);
  let kinds = 0;
  for (let row = 0; row < rows; row++) {
    let at = hash(row) & (size - 1);
    while (table[at] >= 0 && !same(firsts[table[at]], row)) at = (at + 1) & (size - 1);
    if (table[at] < 0) {
      table[at] = kinds;
      firsts[kinds++] = row;
    }
    numbers[row] = table[at];
  }
  return { numbers, firsts: firsts.slice(0, kinds) };

  function hash(row: number): number {
    let value = 0x811c9dc5;
    for (let k = 0; k < width; k++) {
      value = Math.imul(value ^ words[row * width + k], 0x9e3779b1);
      value ^= value >>> 15;
    }
    return value;
  }

  function same(a: number, b: number): boolean {
    for (let k = 0; k < width; k++) if (words[a * width + k] !== words[b * width + k]) return false;
    return true;
  }
}
