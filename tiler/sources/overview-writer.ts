/** Writes a file of overviews block by block; its head, without which it is nothing, comes last. */
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type BlockRecord, HEAD_BYTES, writeHead, writeIndex } from './overview-index.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export interface PackedBlock {
  readonly level: number;
  readonly x: number;
  readonly y: number;
  readonly heights: Bytes;
  readonly bounds: Bytes;
}

export interface OverviewWriter {
  /** Blocks may still be on their way when this returns; it waits while many are. */
  add(block: Promise<PackedBlock>): Promise<void>;
  /** Index and head, and all of it on the disk. Gives the size in bytes. */
  finish(subject: string): Promise<number>;
  /** May be called after either end. */
  close(): Promise<void>;
}

/** Blocks being packed at the same time: enough for all threads of zlib. */
const MAX_FLIGHTS = 8;

/** What is at `path` is overwritten. */
export async function openOverviewWriter(path: string): Promise<OverviewWriter> {
  const handle = await open(path, 'w');
  const records: BlockRecord[] = [];
  const flights: Promise<void>[] = [];
  let end = HEAD_BYTES;
  let tail: Promise<void> = Promise.resolve();
  return { add, finish, close: () => handle.close() };

  async function add(block: Promise<PackedBlock>): Promise<void> {
    // In the order in which they were added, so that equal sources give equal files.
    const before = tail;
    tail = block.then(async (packed) => {
      await before;
      await write(packed);
    });
    tail.catch(() => {});
    flights.push(tail);
    if (flights.length >= MAX_FLIGHTS) await flights.shift();
  }

  async function write({ level, x, y, heights, bounds }: PackedBlock): Promise<void> {
    const offset = end;
    end += heights.length + bounds.length;
    await writeAll(handle, [heights, bounds], offset);
    records.push({
      level,
      x,
      y,
      heights: { offset, length: heights.length, crc: crc32(heights) },
      bounds: { offset: offset + heights.length, length: bounds.length, crc: crc32(bounds) },
    });
  }

  async function finish(subject: string): Promise<number> {
    await tail;
    const index = writeIndex(subject, records);
    await writeAll(handle, [index], end);
    await handle.sync();
    await writeAll(handle, [writeHead({ offset: end, length: index.length, crc: crc32(index) })], 0);
    await handle.sync();
    return end + index.length;
  }
}

async function writeAll(handle: FileHandle, pieces: readonly Bytes[], offset: number): Promise<void> {
  let at = offset;
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const { bytesWritten } = await handle.write(piece, done, piece.length - done, at);
      done += bytesWritten;
      at += bytesWritten;
    }
  }
}
