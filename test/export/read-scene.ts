/** Exported files read back without the exporter: GLB by loaders.gl, OBJ and PLY by their own words. East, north, up. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse } from '@loaders.gl/core';
import { GLTFLoader, postProcessGLTF } from '@loaders.gl/gltf';

export interface ReadScene {
  readonly positions: readonly number[];
  readonly triangles: readonly number[];
  readonly uv: readonly number[];
  readonly normals: readonly number[];
  /** Of PLY: red, green, blue. */
  readonly colours: readonly number[];
  /** Lines that the file says of itself. */
  readonly statement: string;
}

const load = createRequire(import.meta.url);
const { validateBytes } = load('gltf-validator') as {
  validateBytes(bytes: Uint8Array, options?: object): Promise<{ issues: { numErrors: number; messages: object[] } }>;
};

export async function glbFaults(path: string): Promise<object[]> {
  const { issues } = await validateBytes(Uint8Array.from(readFileSync(path)), { maxIssues: 20 });
  return issues.messages.filter((message) => (message as { severity: number }).severity <= 1);
}

interface Primitive {
  readonly attributes: Readonly<Record<string, { readonly value: ArrayLike<number> & Iterable<number> }>>;
  readonly indices: { readonly value: Iterable<number> };
}

export async function readGlbScene(path: string): Promise<ReadScene> {
  const options = { core: { worker: false }, gltf: { loadImages: false } };
  const found = postProcessGLTF(await parse(Uint8Array.from(readFileSync(path)).buffer, GLTFLoader, options as never));
  const scene = { positions: [], triangles: [], uv: [], normals: [] } as Record<string, number[]>;
  const turn = (values: Iterable<number>, into: number[]) => {
    const all = [...values];
    for (let i = 0; i < all.length; i += 3) into.push(all[i], -all[i + 2], all[i + 1]);
  };
  for (const mesh of found.meshes as unknown as { primitives: Primitive[] }[]) {
    for (const { attributes, indices } of mesh.primitives) {
      const first = scene.positions.length / 3;
      turn(attributes.POSITION.value, scene.positions);
      if (attributes.NORMAL) turn(attributes.NORMAL.value, scene.normals);
      if (attributes.TEXCOORD_0) scene.uv.push(...attributes.TEXCOORD_0.value);
      for (const index of indices.value) scene.triangles.push(first + index);
    }
  }
  return { ...(scene as unknown as ReadScene), colours: [], statement: JSON.stringify(found.asset) };
}

export function readObjScene(path: string): ReadScene {
  const positions: number[] = [];
  const normals: number[] = [];
  const coordinates: number[] = [];
  const triangles: number[] = [];
  const uv: number[] = [];
  const statement: string[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [word, ...rest] = line.split(/\s+/);
    if (word === '#') statement.push(line);
    if (word === 'v') positions.push(...rest.map(Number));
    if (word === 'vn') normals.push(...rest.map(Number));
    if (word === 'vt') coordinates.push(...rest.map(Number));
    if (word !== 'f') continue;
    if (rest.length !== 3) throw new Error(`a face of ${rest.length} corners`);
    for (const corner of rest) {
      const [place, coordinate] = corner.split('/').map((text) => Number(text) - 1);
      triangles.push(place);
      if (coordinates.length > 0) {
        uv[2 * place] = coordinates[2 * coordinate];
        uv[2 * place + 1] = 1 - coordinates[2 * coordinate + 1];
      }
    }
  }
  return { positions, triangles, uv, normals, colours: [], statement: statement.join('\n') };
}

export function readPlyScene(path: string): ReadScene {
  const bytes = readFileSync(path);
  const end = bytes.indexOf('end_header\n') + 'end_header\n'.length;
  const head = bytes.toString('latin1', 0, end).split('\n');
  const countOf = (name: string) => Number(head.find((line) => line.startsWith(`element ${name} `))?.split(' ')[2]);
  const vertexLines = head.slice(head.findIndex((line) => line.startsWith('element vertex')) + 1);
  const properties = vertexLines
    .slice(
      0,
      vertexLines.findIndex((line) => line.startsWith('element')),
    )
    .map((line) => line.split(' '));
  const out: Record<string, number[]> = { p: [], n: [], c: [] };
  let at = end;
  for (let i = 0; i < countOf('vertex'); i++) {
    for (const [, type, name] of properties) {
      const list = /^[xyz]$/.test(name) ? out.p : /^n[xyz]$/.test(name) ? out.n : out.c;
      list.push(type === 'float' ? bytes.readFloatLE(at) : bytes[at]);
      at += type === 'float' ? 4 : 1;
    }
  }
  const triangles: number[] = [];
  for (let i = 0; i < countOf('face'); i++, at += 13) {
    if (bytes[at] !== 3) throw new Error(`a face of ${bytes[at]} corners`);
    for (let k = 0; k < 3; k++) triangles.push(bytes.readInt32LE(at + 1 + 4 * k));
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes follow the faces`);
  const statement = head.filter((line) => line.startsWith('comment')).join('\n');
  return { positions: out.p, triangles, uv: [], normals: out.n, colours: out.c, statement };
}

/** Square metres, and the least and greatest height. */
export function sizeOf({ positions: p, triangles }: ReadScene): { area: number; low: number; high: number } {
  let area = 0;
  for (let i = 0; i < triangles.length; i += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => p.slice(3 * triangles[i + k], 3 * triangles[i + k] + 3));
    area += triangleArea(a, b, c);
  }
  const heights = triangles.map((vertex) => p[3 * vertex + 2]);
  return { area, low: heights.reduce((m, h) => Math.min(m, h)), high: heights.reduce((m, h) => Math.max(m, h)) };
}

/** By Heron's formula for the sides' lengths, as Kahan writes it. */
export function triangleArea(a: readonly number[], b: readonly number[], c: readonly number[]): number {
  const side = (p: readonly number[], q: readonly number[]) => Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  const [x, y, z] = [side(a, b), side(b, c), side(c, a)].sort((p, q) => q - p);
  return Math.sqrt(Math.max(0, (x + (y + z)) * (z - (x - y)) * (z + (x - y)) * (x + (y - z)))) / 4;
}
