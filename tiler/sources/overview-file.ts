/** A file of overviews of one source, made by `make-overviews.ts`: cells of a level, and the bounds on what they leave out. */
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { unpackBounds, unpackHeights } from './overview-block.ts';
import { type BlockRecord, HEAD_BYTES, type OverviewIndex, type Piece, readHead, readIndex } from './overview-index.ts';

export interface OverviewFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** 256 x 256 heights, NaN for void; undefined when all are. Throws DamagedOverviews. */
  heights(level: number, x: number, y: number): Promise<Float32Array | undefined>;
  /** As `unpackBounds` has them; undefined where all heights are void. Throws DamagedOverviews. */
  bounds(level: number, x: number, y: number): Promise<Uint32Array | undefined>;
  /** Reads all of it and throws DamagedOverviews where a checksum does not fit. */
  verify(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /** Closes it, and removes it unless another has taken its place under its name. */
  discard(): Promise<void>;
}

/** The file is not whole, or not of what it should be: it has to be made anew. */
export class DamagedOverviews extends Error {}

/** Bytes that are checked at a time. */
const CHECKED_AT_ONCE = 2 ** 23;

/**
 * `subject`: what the overviews must be of. Undefined when there is no such file; throws DamagedOverviews, and the file
 * is removed then.
 */
export async function openOverviewFile(
  path: string,
  subject: string,
  quantum: number,
): Promise<OverviewFile | undefined> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  let discarding: Promise<void> | undefined;
  try {
    const { size } = await handle.stat();
    const index = await readWholeIndex();
    return {
      path,
      size,
      async heights(level, x, y) {
        const found = index.find(level, x, y);
        return found && unpackHeights(await readWhole(found.heights), quantum).catch(refuse);
      },
      async bounds(level, x, y) {
        const found = index.find(level, x, y);
        return found && unpackBounds(await readWhole(found.bounds)).catch(refuse);
      },
      verify: (signal) => verify(index, signal),
      close: () => handle.close(),
      discard: () => {
        discarding ??= removeOwn(path, handle).finally(() => handle.close());
        return discarding;
      },
    };

    async function readWholeIndex(): Promise<OverviewIndex> {
      const head = size < HEAD_BYTES ? undefined : readHead(await readBytes(0, HEAD_BYTES));
      if (head === undefined) throw new DamagedOverviews(`${path} has no head`);
      const index = readIndex(await readWhole(head), subject);
      if (index === undefined) throw new DamagedOverviews(`${path} holds overviews of something else`);
      return index;
    }

    async function readWhole(piece: Piece): Promise<Buffer<ArrayBuffer>> {
      const { offset, length, crc } = piece;
      if (!(offset >= 0 && offset + length <= size)) throw new DamagedOverviews(`${path} is cut off`);
      const bytes = await readBytes(offset, length);
      if (crc32(bytes) !== crc) throw new DamagedOverviews(`${path} is damaged at byte ${offset}`);
      return bytes;
    }
  } catch (error) {
    if (error instanceof DamagedOverviews) await removeOwn(path, handle);
    await handle.close();
    throw error;
  }

  async function readBytes(offset: number, length: number): Promise<Buffer<ArrayBuffer>> {
    const bytes = Buffer.from(new ArrayBuffer(length));
    for (let done = 0; done < length; ) {
      const { bytesRead } = await (handle as NonNullable<typeof handle>).read(
        bytes,
        done,
        length - done,
        offset + done,
      );
      if (bytesRead === 0) throw new DamagedOverviews(`${path} is cut off`);
      done += bytesRead;
    }
    return bytes;
  }

  /** In the order in which the blocks lie, many at a time. */
  async function verify(index: OverviewIndex, signal: AbortSignal | undefined): Promise<void> {
    const order = Float64Array.from({ length: index.blocks }, (_, i) => index.record(i).heights.offset);
    const ranks = Uint32Array.from(order.keys()).sort((a, b) => order[a] - order[b]);
    for (let i = 0; i < ranks.length; ) {
      signal?.throwIfAborted();
      const run: BlockRecord[] = [index.record(ranks[i++])];
      const { offset } = run[0].heights;
      let end = endOf(run[0]);
      while (i < ranks.length) {
        const next = index.record(ranks[i]);
        if (next.heights.offset !== end || endOf(next) - offset > CHECKED_AT_ONCE) break;
        run.push(next);
        end = endOf(next);
        i++;
      }
      const bytes = await readBytes(offset, end - offset);
      for (const { heights, bounds } of run) {
        for (const piece of [heights, bounds]) {
          const from = piece.offset - offset;
          if (crc32(bytes.subarray(from, from + piece.length)) !== piece.crc) {
            throw new DamagedOverviews(`${path} is damaged at byte ${piece.offset}`);
          }
        }
      }
    }
  }

  function refuse(cause: unknown): never {
    throw new DamagedOverviews(`${path} is damaged`, { cause });
  }
}

/** Others may have met the damage before, and made the file anew. */
async function removeOwn(path: string, handle: FileHandle): Promise<void> {
  const own = await handle.stat({ bigint: true });
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found?.ino === own.ino) await rm(path, { force: true });
}

function endOf({ bounds }: BlockRecord): number {
  return bounds.offset + bounds.length;
}
