/** Files kept in a cache folder: whole or not there, and nothing left of writers that were killed. */
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSealed, readSealedBytes, writeSealed, writeSealedBytes } from '../../tiler/sources/sealed-file.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a sealed file', () => {
  it('gives back what was kept, JSON or bytes, as the same kind only', async () => {
    const path = join(temporaryFolder(), 'files', 'a.headers');
    await writeSealed(path, 'one', { a: [1, 'é', null] });
    expect(await readSealed(path, 'one')).toEqual({ a: [1, 'é', null] });
    expect(await readSealed(path, 'two')).toBeUndefined();
    await writeSealedBytes(path, 'one', [Buffer.from([0, 10, 255]), Uint8Array.of(10)]);
    expect([...((await readSealedBytes(path, 'one')) ?? [])]).toEqual([0, 10, 255, 10]);
    expect(await readSealed(path, 'one')).toBeUndefined();
  });

  it('is written where nothing is left of killed writers, and what others write now stays', async () => {
    const folder = temporaryFolder();
    const [left, now, other] = ['a.headers.99-1234-0', 'a.headers.99-1234-1', 'b.hash'].map((n) => join(folder, n));
    for (const path of [left, now, other]) writeFileSync(path ?? '', 'half');
    for (const path of [left, other]) utimesSync(path ?? '', new Date('2020-01-01'), new Date('2020-01-01'));
    await writeSealed(join(folder, 'a.headers'), 'one', 1);
    expect(readdirSync(folder).sort()).toEqual(['a.headers', 'a.headers.99-1234-1', 'b.hash']);
    expect(existsSync(left ?? '')).toBe(false);
  });
});
