/** Writes small files for the tests of one file and removes them after the last. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

export type PlaceFiles = (files: Readonly<Record<string, string | Uint8Array>>) => string;

/** To be called once, outside of tests. What it gives writes files into a folder of their own and gives the path of the first. */
export function openPlacedFiles(purpose: string): PlaceFiles {
  let folder = '';
  let made = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), `relievo-${purpose}-`));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return (files) => {
    const own = join(folder, String(made++));
    mkdirSync(own);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(own, name), content);
    return join(own, Object.keys(files)[0] ?? '');
  };
}
