/** Where what is made once and used again is kept: prepared overviews, hashes of files, tiles made on demand. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Absolute. The folder that the user names, else `$RELIEVO_CACHE`, else `relievo` in `$XDG_CACHE_HOME` (XDG Base
 * Directory 0.8: counts only where it is absolute), else `~/.cache/relievo`. Nothing is made here.
 */
export function cacheFolder(named: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  if (named !== undefined) return resolve(named);
  if (env.RELIEVO_CACHE) return resolve(env.RELIEVO_CACHE);
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  return join(base, 'relievo');
}
