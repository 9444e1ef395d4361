import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STAGING, takeStaging } from '../../tiler/store/staging.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const OLD = { 'layer.json': 'old', '0/0/0.terrain': 'old', '1/0/0.terrain': 'old', '2/0/0.terrain': 'old' };

/** Path to content of everything but the staging folder. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

async function collect(out: string) {
  const staging = await takeStaging(out);
  mkdirSync(join(staging.collected, '0/0'), { recursive: true });
  mkdirSync(join(staging.collected, '5/0'), { recursive: true });
  writeFileSync(join(staging.collected, '0/0/0.terrain'), 'new');
  writeFileSync(join(staging.collected, '5/0/0.terrain'), 'new');
  return staging;
}

describe('takeStaging', () => {
  it('exchanges the old tileset for the new one as a whole', async () => {
    const out = temporaryFolder(OLD);
    const staging = await collect(out);
    await staging.exchange('new');
    expect(contents(out)).toEqual({ 'layer.json': 'new', '0/0/0.terrain': 'new', '5/0/0.terrain': 'new' });
    expect(existsSync(join(out, STAGING))).toBe(false);
  });

  it('takes what is known of the quality along, and puts it back', async () => {
    const out = temporaryFolder({ ...OLD, 'quality.json': 'old' });
    const broken = await collect(out);
    const aside = join(out, STAGING, 'old');
    mkdirSync(aside);
    for (const name of ['layer.json', '0', 'quality.json']) renameSync(join(out, name), join(aside, name));
    await broken.remove();
    expect(contents(out)).toEqual({ ...OLD, 'quality.json': 'old' });
    await (await collect(out)).exchange('new', 'fresh');
    const tiles = { '0/0/0.terrain': 'new', '5/0/0.terrain': 'new' };
    expect(contents(out)).toEqual({ 'layer.json': 'new', 'quality.json': 'fresh', ...tiles });
    await (await collect(out)).exchange('newer');
    expect(contents(out)).toEqual({ 'layer.json': 'newer', ...tiles });
  });

  it('lets one build in at a time, in one process too', async () => {
    const out = temporaryFolder(OLD);
    const staging = await collect(out);
    await expect(takeStaging(out)).rejects.toMatchObject({ code: 'output-refused' });
    await staging.remove();
    expect(contents(out)).toEqual(OLD);
    await (await takeStaging(out)).remove();
  });

  // Every state in which an exchange can break off: how many of its moves were made.
  it.each([0, 1, 2, 3, 4, 5, 6])(
    'puts the old tileset back when an exchange broke off after %i moves',
    async (moves) => {
      const out = temporaryFolder(OLD);
      const staging = await collect(out);
      const folder = join(out, STAGING);
      const steps: (() => void)[] = [
        () => mkdirSync(join(folder, 'old')),
        () => renameSync(join(out, 'layer.json'), join(folder, 'old/layer.json')),
        () => renameSync(join(out, '0'), join(folder, 'old/0')),
        () => {
          renameSync(join(out, '1'), join(folder, 'old/1'));
          renameSync(join(out, '2'), join(folder, 'old/2'));
        },
        () => renameSync(join(folder, 'old'), join(folder, 'old-whole')),
        () => renameSync(join(folder, 'new/0'), join(out, '0')),
      ];
      for (const step of steps.slice(0, moves)) step();
      await staging.remove();
      expect(contents(out)).toEqual(OLD);
    },
  );

  it('keeps the new tileset when all that failed was sweeping up', async () => {
    const out = temporaryFolder({ 'layer.json': 'new', '0/0/0.terrain': 'new' });
    const staging = await takeStaging(out);
    mkdirSync(join(out, STAGING, 'old-whole'));
    writeFileSync(join(out, STAGING, 'old-whole/layer.json'), 'old');
    await staging.remove();
    expect(contents(out)).toEqual({ 'layer.json': 'new', '0/0/0.terrain': 'new' });
  });
});
