/** One process at a time: `npm start` and `npm test` in two terminals must not install or build over each other. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Runs `work` while this process holds the lock file `path`; the lock of a process that died is taken over. */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  for (let owner = takeLock(path); owner !== process.pid; owner = takeLock(path)) {
    if (owner === undefined) continue;
    if (!told) process.stdout.write(`Waiting for process ${owner}, which is at the same work.\n`);
    told = true;
    await wait(200);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Id of the process that holds the lock: this one, if it could be taken; undefined when it was let go just now. */
function takeLock(path) {
  // A link appears whole, with the id in it: nobody reads a lock that is still empty.
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, path);
    return process.pid;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(mine, { force: true });
  }
  const owner = readOwner(path);
  if (owner === undefined || isAlive(owner)) return owner;
  rmSync(path, { force: true });
  return undefined;
}

function readOwner(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
