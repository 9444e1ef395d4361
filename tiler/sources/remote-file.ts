/**
 * A file at an address (`https://`, `http://`, `s3://`) as bytes at offsets. What the address holds is settled when it is
 * opened; a file that changes afterwards is refused, and never read half and half.
 */
import { createHash } from 'node:crypto';
import { RelievoError } from '../error.ts';
import type { ByteFile, ByteFileOptions } from './byte-file.ts';
import { cutOff } from './byte-file.ts';
import { type NetworkOptions, openNetwork } from './http-hop.ts';
import { type FileState, fetchRange, isStrong, type RangeTarget } from './http-ranges.ts';
import { BLOCK_BYTES, openRemoteCache, RemoteBlocks } from './remote-blocks.ts';
import { RETRY_LIMITS, type RetryLimits, Turns } from './retries.ts';
import { s3Target } from './s3-address.ts';
import type { Environment } from './s3-settings.ts';
import { baseName, shownName } from './source-name.ts';
import { untilAborted } from './until-aborted.ts';

export interface RemoteOptions extends NetworkOptions {
  readonly limits?: Partial<RetryLimits> | undefined;
  /** Bytes kept, all files together; default 32 MiB. */
  readonly cacheBytes?: number | undefined;
  /** Where settings and credentials for S3 come from; default the process's own. */
  readonly environment?: Environment | undefined;
}

/** What was asked of servers. */
export interface Traffic {
  readonly requests: number;
  /** Of bodies that were read. */
  readonly bytes: number;
}

export interface RemoteFile extends ByteFile {
  /** Equal for an equal file at the same address; 32 hexadecimal digits. Free where the server gives a strong ETag. */
  version(): Promise<string>;
  /** Of this file until now. */
  readonly traffic: Traffic;
}

export interface RemoteFiles {
  /** Files that are open at the same time under one address are one, in one state. */
  open(address: string, options?: ByteFileOptions): Promise<RemoteFile>;
}

/** Of the request that opens a file: room for the directories of most files. */
const OPENING_BYTES = 2 * BLOCK_BYTES;
const CACHE_BYTES = 32 * 2 ** 20;
const MAX_REQUESTS_PER_HOST = 6;
/** Of one read: a server can say that a file is as long as it likes. */
const MAX_READ_BYTES = 2 ** 29;

/** Files that share cache, connections and turns. */
export function openRemoteFiles(options: RemoteOptions = {}): RemoteFiles {
  const cache = openRemoteCache(options.cacheBytes ?? CACHE_BYTES);
  const network = openNetwork(options);
  const turns = new Turns(MAX_REQUESTS_PER_HOST);
  const limits = { ...RETRY_LIMITS, ...options.limits };
  const environment = options.environment ?? process.env;
  const opened = new Map<string, Opened>();
  let count = 0;

  async function openNew(address: string, signal: AbortSignal, health: Health): Promise<SharedFile> {
    const target = await targetOf(address, environment);
    const traffic = { requests: 0, bytes: 0 };
    const context = {
      network,
      turns,
      limits,
      signal,
      count(requests: number, bytes: number) {
        traffic.requests += requests;
        traffic.bytes += bytes;
      },
    };
    const { bytes, state } = await fetchRange(target, 0, OPENING_BYTES, undefined, context);
    const fetch = async (offset: number, length: number) => {
      try {
        return (await fetchRange(target, offset, length, state, context)).bytes;
      } catch (error) {
        // What has changed once stays changed, even where an older state is still in the cache.
        if (error instanceof RelievoError && error.code === 'input-invalid') health.fault ??= error;
        throw error;
      }
    };
    const blocks = new RemoteBlocks(state.size, fetch, cache, String(++count));
    blocks.put(bytes);
    return {
      target,
      state,
      traffic,
      async read(offset, length) {
        if (health.fault !== undefined) throw health.fault;
        if (offset < 0 || offset + length > state.size) throw cutOff(target.shown, offset + length, state.size);
        if (length > MAX_READ_BYTES) throw tooLong(target.shown, length);
        const read = await blocks.read(offset, length);
        if (health.fault !== undefined) throw health.fault;
        return read;
      },
      drop: () => blocks.drop(),
    };
  }

  return {
    async open(address, { signal } = {}) {
      signal?.throwIfAborted();
      let shared = opened.get(address);
      if (shared === undefined || shared.health.fault !== undefined) {
        const closing = new AbortController();
        const health: Health = { fault: undefined };
        shared = { file: openNew(address, closing.signal, health), closing, health, users: 0 };
        opened.set(address, shared);
      }
      const held = shared;
      held.users++;
      const leave = async () => {
        if (--held.users > 0) return;
        if (opened.get(address) === held) opened.delete(address);
        held.closing.abort();
        (await held.file.catch(() => undefined))?.drop();
      };
      try {
        const file = await untilAborted(held.file, signal);
        let left: Promise<void> | undefined;
        return {
          path: file.target.shown,
          name: baseName(address),
          size: file.state.size,
          traffic: file.traffic,
          read: (offset, length, read: ByteFileOptions = {}) => untilAborted(file.read(offset, length), read.signal),
          version: () => versionOf(address, file),
          close() {
            left ??= leave();
            return left;
          },
        };
      } catch (error) {
        void leave();
        throw error;
      }
    },
  };
}

/** What all who have opened an address share. */
interface SharedFile {
  readonly target: RangeTarget;
  readonly state: FileState;
  readonly traffic: Traffic;
  read(offset: number, length: number): Promise<Buffer<ArrayBuffer>>;
  /** Forgets its bytes. */
  drop(): void;
}

/** Why the file may not be read any more. */
interface Health {
  fault: unknown;
}

interface Opened {
  readonly file: Promise<SharedFile>;
  readonly health: Health;
  /** Ends what is under way when the last user leaves. */
  readonly closing: AbortController;
  users: number;
}

let files: RemoteFiles | undefined;

/** Opens a file at an address. Refuses what cannot be had, servers without ranges, and empty files. */
export function openRemoteFile(address: string, options?: ByteFileOptions): Promise<RemoteFile> {
  files ??= openRemoteFiles();
  return files.open(address, options);
}

/**
 * By the address without its secrets, the size and the ETag. Where that is missing or weak: what there is of it, the time of
 * the last change, and the content of the first and the last block.
 */
async function versionOf(address: string, { state, read }: SharedFile): Promise<string> {
  const place = shownName(address).replace(/\?\([0-9a-f]{8}\)$/, '');
  const hash = createHash('sha256');
  if (isStrong(state.etag)) hash.update(JSON.stringify([place, state.size, state.etag]));
  else {
    const length = Math.min(BLOCK_BYTES, state.size);
    hash.update(JSON.stringify([place, state.size, state.etag ?? null, state.lastModified ?? null]));
    hash.update(await read(0, length));
    hash.update(await read(state.size - length, length));
  }
  return hash.digest('hex').slice(0, 32);
}

function tooLong(where: string, length: number): RelievoError {
  return new RelievoError(
    'input-unsupported',
    `${where} has a piece of ${length} bytes, which is too long to be fetched at once; rewrite it with gdal_translate -of COG.`,
    { where },
  );
}

async function targetOf(address: string, environment: Environment): Promise<RangeTarget> {
  if (/^s3:/i.test(address)) return s3Target(address, environment);
  const shown = shownName(address);
  const url = URL.parse(address);
  if (url === null || url.hostname === '') {
    throw new RelievoError('usage', `${shown} is no address; expected one such as https://host/dem.tif.`, {
      where: shown,
    });
  }
  const [user, password] = [url.username, url.password].map(decoded);
  url.username = '';
  url.password = '';
  url.hash = '';
  const login =
    user || password ? { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } : {};
  return { url, shown, sign: async (headers) => ({ ...headers, ...login }) };
}

/** Text without percent-encoding; as it is where that is none. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
