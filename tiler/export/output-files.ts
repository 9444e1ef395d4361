/** Files that nobody sees before they are whole: written beside their place under another name, then moved there. */
import { access, constants, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RelievoError } from '../error.ts';
import type { NamedFile } from './write-obj.ts';

/** Before any work: refuses with `output-unwritable` a path where no file can be put. */
export async function checkOutput(path: string): Promise<void> {
  const folder = dirname(path);
  if ((await stat(path).catch(() => undefined))?.isDirectory()) throw unwritable(path, 'this is a folder; name a file');
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) throw unwritable(path, `the folder ${folder} is not there; make it first`);
  if (!found.isDirectory()) throw unwritable(path, `${folder} is no folder`);
  await access(folder, constants.W_OK).catch(() => {
    throw unwritable(path, `nothing may be written into the folder ${folder}`);
  });
}

/** Bytes of all files. Files of the same names are replaced; all or none appear, as far as moving goes. */
export async function writeFiles(folder: string, files: readonly NamedFile[], signal: AbortSignal): Promise<number> {
  const temporary = files.map(({ name }) => join(folder, `${name}.${process.pid}.part`));
  let bytes = 0;
  try {
    for (const [i, { content }] of files.entries()) bytes += await writeOne(temporary[i], content, signal);
    for (const [i, { name }] of files.entries()) await rename(temporary[i], join(folder, name));
    return bytes;
  } catch (cause) {
    await Promise.all(temporary.map((path) => rm(path, { force: true })));
    if (cause instanceof RelievoError || signal.aborted) throw cause;
    throw unwritable(
      join(folder, files.at(-1)?.name ?? ''),
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  }
}

const CHUNK_LETTERS = 2 ** 20;

async function writeOne(path: string, content: NamedFile['content'], signal: AbortSignal): Promise<number> {
  const file = await open(path, 'w');
  try {
    if (content instanceof Uint8Array) {
      await file.writeFile(content, { signal });
      return content.length;
    }
    let bytes = 0;
    let waiting = '';
    const flush = async () => {
      signal.throwIfAborted();
      bytes += (await file.write(waiting)).bytesWritten;
      waiting = '';
    };
    for (const text of content) {
      waiting += text;
      if (waiting.length > CHUNK_LETTERS) await flush();
    }
    await flush();
    return bytes;
  } finally {
    await file.close();
  }
}

function unwritable(path: string, why: string, cause?: unknown): RelievoError {
  return new RelievoError('output-unwritable', `The file cannot be written: ${why}.`, { where: path, cause });
}
