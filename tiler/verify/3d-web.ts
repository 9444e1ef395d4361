/** What a server must say besides the bytes of a 3D Tiles set: content types, CORS, caching, and 404 for what is not there. */
import { addressWithin, type JudgedFiles, resolvePath } from './3d-files.ts';
import type { Walked } from './3d-walk.ts';
import { checkCaching, checkCors, ORIGIN } from './check-web.ts';
import type { Ledger } from './ledger.ts';
import { fetchOnce } from './web-tiles.ts';

/** The usual types, by what an address ends with. */
const TYPES: Readonly<Record<string, RegExp>> = {
  json: /^application\/json/,
  glb: /^model\/gltf-binary/,
  subtree: /^application\/(octet-stream|3dtiles-subtree|vnd)/,
};

export async function checkWeb3d(
  { root }: JudgedFiles,
  { nodes, subtrees }: Walked,
  ledger: Ledger,
  signal?: AbortSignal,
): Promise<void> {
  const contents = nodes.flatMap((node) => node.contents);
  const asked = [root, subtrees[0], contents[0], contents[contents.length >> 1], contents.at(-1)];
  for (const address of new Set(asked.filter((path) => path !== undefined))) {
    const url = addressWithin(root, address);
    if (url === undefined) continue;
    const answer = await fetchOnce(url, { origin: ORIGIN }, signal);
    if (answer.status !== 200) continue;
    const name = url.pathname;
    checkCors(answer, name, undefined, ledger);
    await checkCaching(url, answer, {}, name, undefined, ledger, signal);
    const type = answer.headers.get('content-type') ?? 'none';
    const usual = TYPES[/\.(\w+)$/.exec(name)?.[1] ?? ''];
    if (usual && !usual.test(type)) ledger.add('http-type', `${name}: the content type is ${type}`);
  }
  const beyond = new URL(resolvePath(root, 'no/such/content/99/0/0.glb'));
  const missing = await fetchOnce(beyond, { origin: ORIGIN }, signal);
  if (missing.status !== 404)
    ledger.add('http-missing-status', `${beyond.pathname}: status ${missing.status}, expected 404`);
  else checkCors(missing, 'the answer 404', undefined, ledger);
}
