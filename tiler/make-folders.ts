/** Makes a folder and those above it, also where somebody else makes them at the same time. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Not by mkdir's own `recursive`: where the system says ENOENT for good, as below /proc, Node 24 never returns from it. */
export async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await mkdir(path).catch((again: NodeJS.ErrnoException) => {
      if (again.code !== 'EEXIST') throw again;
    });
  }
}
