import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { makeShared } from '../../tiler/sources/shared-work.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOST = hostname().replace(/[^A-Za-z0-9-]/g, '-');
const make = (path: string) => writeFile(path, 'whole');

it('does not wait for what a process of its own number left before it began', async () => {
  const folder = temporaryFolder();
  const hourAgo = Math.round((performance.timeOrigin - 3_600_000) * 1000).toString(36);
  writeFileSync(join(folder, `x.${HOST}.${process.pid}.${hourAgo}-0-0.part`), 'half');
  await makeShared(join(folder, 'x'), { make, onWait: (who) => expect.unreachable(who) });
  expect(readdirSync(folder)).toEqual(['x']);
});

it('waits for another thread of its own process', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'x');
  const module = new URL('../../tiler/sources/shared-work.ts', import.meta.url).href;
  const worker = new Worker(
    `import('node:worker_threads').then(async ({ parentPort }) => {
      const { makeShared } = await import(${JSON.stringify(module)});
      const { writeFileSync } = await import('node:fs');
      await makeShared(${JSON.stringify(path)}, {
        make: async (part) => {
          const told = new Promise((resolve) => parentPort.once('message', resolve));
          parentPort.postMessage('begun');
          await told;
          writeFileSync(part, 'of the thread');
        },
      });
    });`,
    { eval: true, execArgv: [] },
  );
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const waited: string[] = [];
  const onWait = (who: string) => {
    waited.push(who);
    worker.postMessage('go on');
  };
  await makeShared(path, { make, onWait });
  expect(waited).toEqual([`process ${process.pid}`]);
  expect(readFileSync(path, 'utf8')).toBe('of the thread');
  expect(readdirSync(folder)).toEqual(['x']);
  await worker.terminate();
});

it('is made once by many who wait for one that gives up, and by many who begin together', async () => {
  const folder = temporaryFolder();
  const left = join(folder, 'x.elsewhere.1.a-0-0.part');
  for (const waits of [true, false]) {
    const path = join(folder, waits ? 'x' : 'y');
    if (waits) writeFileSync(left, 'half');
    let made = 0;
    const all = Array.from({ length: 6 }, () =>
      makeShared(path, {
        make: async (part) => {
          made++;
          await pause(50);
          await make(part);
        },
      }),
    );
    await pause(150);
    rmSync(left, { force: true });
    await Promise.all(all);
    expect([existsSync(path), made]).toEqual([true, 1]);
  }
  expect(readdirSync(folder)).toEqual(['x', 'y']);
});

it('is made by one of those whose patience with a silent one ends', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'x');
  writeFileSync(join(folder, 'x.elsewhere.1.a-0-0.part'), 'half');
  let made = 0;
  const count = async (part: string) => {
    made++;
    await make(part);
  };
  await Promise.all([0, 1, 2].map(() => makeShared(path, { make: count, patienceMs: 200 })));
  expect([existsSync(path), made]).toEqual([true, 1]);
});
