/** Blocks of the source that were read last: levels ask for the same ones again and again. */
import type { BlockPlace, DemBlock } from './dem.ts';

const MOST_BYTES = 2 ** 27;

export class BlockStore {
  private readonly blocks = new Map<object, Map<string, Promise<DemBlock>>>();
  private readonly order: { readonly of: object; readonly key: string; readonly bytes: number }[] = [];
  private bytes = 0;

  /** The block at the place, read when it is not at hand; `of` tells grids apart. */
  async get(of: object, { column, row }: BlockPlace, read: () => Promise<DemBlock>): Promise<DemBlock> {
    const key = `${column},${row}`;
    const mine = this.blocks.get(of) ?? new Map<string, Promise<DemBlock>>();
    this.blocks.set(of, mine);
    const known = mine.get(key);
    if (known !== undefined) return known;
    const reading = read();
    mine.set(key, reading);
    try {
      const block = await reading;
      this.remember(of, key, block.heights.byteLength + block.lons.byteLength + block.lats.byteLength);
      return block;
    } catch (error) {
      mine.delete(key);
      throw error;
    }
  }

  private remember(of: object, key: string, bytes: number): void {
    this.order.push({ of, key, bytes });
    this.bytes += bytes;
    while (this.bytes > MOST_BYTES && this.order.length > 1) {
      const oldest = this.order.shift();
      if (oldest === undefined) return;
      this.bytes -= oldest.bytes;
      this.blocks.get(oldest.of)?.delete(oldest.key);
    }
  }
}
