/** `relievo build --format 3dtiles` as a process: kills and stops leave nothing, wrong words are refused, `info` and `serve` read it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { relievo, relievoServe, startRelievo } from '../support/command.ts';
import { expectSentence } from '../support/expect-sentence.ts';
import { MAUI_SHEETS } from '../support/maui.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const BUILD = ['build', ...MAUI_SHEETS, '--format', '3dtiles', '--no-measure', '--threads', '2'];

function untilTiles({ child, ended }: ReturnType<typeof startRelievo>): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (JSON.parse(line).event === 'tiles') resolve();
    });
    void ended.then(({ stderr }) => reject(new Error(`ended too early: ${stderr}`)));
  });
}

describe('relievo build --format 3dtiles', () => {
  it.each(['tiles', 'tiles.3tz'])('killed on its way leaves no %s, and the next build is whole', async (name) => {
    const folder = temporaryFolder();
    const out = join(folder, name);
    const isArchive = name.endsWith('.3tz');
    for (const signal of isArchive ? (['SIGKILL', 'SIGTERM'] as const) : (['SIGKILL'] as const)) {
      const running = startRelievo([...BUILD, '--max-zoom', '10', '--json', '--out', out]);
      await untilTiles(running);
      running.child.kill(signal);
      await running.ended;
      if (isArchive) expect(existsSync(out)).toBe(false);
      else expect(existsSync(out) ? readdirSync(out).filter((file) => !file.startsWith('.')) : []).toEqual([]);
      // What a killed one left the next one clears away; a stopped one clears up after itself.
      if (signal === 'SIGTERM') expect(readdirSync(folder)).toEqual([]);
    }
    const { code, stderr } = await relievo([...BUILD, '--max-zoom', '4', '--out', out]);
    expect(code, stderr).toBe(0);
    expect(readdirSync(folder)).toEqual([name]);

    const { stdout } = await relievo(['info', out]);
    expect(stdout).toMatch(isArchive ? /an archive \(3TZ\), implicit/ : /in a folder, implicit/);
    expect(stdout).toMatch(/Levels\s+0 to 4, 18 tiles/);
    const server = await relievoServe([out]);
    expect(server.greeting).toContain('/layers/tiles/3dtiles/tileset.json');
    const tileset = await (await fetch(`${server.url}/layers/tiles/3dtiles/tileset.json`)).json();
    expect(tileset).toMatchObject({ asset: { version: '1.1', extras: { relievo: { title: 'tiles' } } } });
    const glb = await fetch(`${server.url}/layers/tiles/3dtiles/west/content/0/0/0.glb`);
    expect(Buffer.from(await glb.arrayBuffer()).toString('latin1', 0, 4)).toBe('glTF');
    await server.stop();
  });

  it('refuses what makes no sense, and to write over what is not its own', async () => {
    const folder = temporaryFolder({ 'notes.3tz': 'mine', 'photos/one.jpg': 'mine' });
    const wrong = await relievo([...BUILD, '--profile', 'cesium-terrain', '--texture', 'a.tif', '--out', 'x']);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/--profile cesium-terrain takes no pictures/),
    ]);
    expectSentence(wrong.stderr);
    for (const out of ['notes.3tz', 'photos']) {
      const { code, stderr } = await relievo([...BUILD, '--max-zoom', '1', '--out', out], { cwd: folder });
      expect(code, out).toBe(1);
      expectSentence(stderr);
    }
    expect(readFileSync(join(folder, 'notes.3tz'), 'utf8')).toBe('mine');
    expect(readdirSync(folder).sort()).toEqual(['notes.3tz', 'photos']);
  });

  it('says what a broken archive and a foreign tileset are', async () => {
    const foreign = {
      asset: { version: '1.0', generator: 'somebody' },
      geometricError: 5,
      root: { geometricError: 0 },
    };
    const folder = temporaryFolder({ 'tileset.json': foreign });
    const { stdout } = await relievo(['info', folder, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ version: '1.0', generator: 'somebody', ours: false, terrain: null });
    const broken = join(folder, 'broken.3tz');
    writeFileSync(broken, 'no zip');
    const { code, stderr } = await relievo(['info', broken]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/@3dtilesIndex1@/);
    expectSentence(stderr);
  });
});
