/**
 * Wavefront OBJ as a surface: polygons of `v`, `vt` and `vn`, cut in fans, with the materials of its .mtl files (`Kd`,
 * `d`, `map_Kd`). Read by ourselves: loaders.gl's reader keeps neither materials apart nor more than 32 bits of a position.
 */
import { RelievoError } from '../error.ts';
import type { SurfaceMaterial, SurfacePicture } from '../geo/surface-mesh.ts';
import type { FilesBeside } from './surface-file.ts';
import { PLAIN_MATERIAL, type SurfaceBuilder } from './surface-file-builder.ts';

/** Corners of one material: numbers of v, vt and vn from 0, or -1; three each, three corners a triangle. */
interface Faces {
  readonly corners: number[];
}

/** OBJ says nothing of its authors. */
export async function readObj(bytes: Uint8Array, to: SurfaceBuilder, beside: FilesBeside): Promise<string> {
  if (bytes.includes(0)) throw to.fail('It is not an OBJ: that is text, and this file holds zero bytes');
  const [v, vt, vn]: number[][] = [[], [], []];
  const faces = new Map<string, Faces>();
  const libraries: string[] = [];
  let current = facesOf('');
  let number = 0;
  for (const line of linesOf(new TextDecoder().decode(bytes))) {
    number++;
    const [word, ...values] = line.trim().split(/\s+/);
    if (word === 'v') v.push(...take(values, 3, number));
    else if (word === 'vt')
      vt.push(...take(values, Math.min(values.length, 2), number), ...(values.length < 2 ? [0] : []));
    else if (word === 'vn') vn.push(...take(values, 3, number));
    else if (word === 'f') addFace(values, number);
    else if (word === 'usemtl') current = facesOf(line.trim().slice(6).trim());
    else if (word === 'mtllib') libraries.push(line.trim().slice(6).trim());
    else if (word === 'p' || word === 'l') to.warn('Points and lines are left out: a surface is made of triangles');
    else if (CURVED.has(word)) to.warn('Curved surfaces are left out: save them as polygons');
  }
  const materials = await readLibraries(libraries, to, beside);
  for (const [name, { corners }] of faces) {
    if (corners.length > 0) addPiece(name, corners, materials);
  }
  return '';

  function facesOf(name: string): Faces {
    const known = faces.get(name) ?? { corners: [] };
    faces.set(name, known);
    return known;
  }

  function take(values: readonly string[], count: number, line: number): number[] {
    const out = values.slice(0, count).map(Number);
    if (out.length < count || out.some((value) => !Number.isFinite(value))) {
      throw to.fail(`Line ${line} has ${count} numbers to give and says: ${values.join(' ').slice(0, 60)}`);
    }
    return out;
  }

  function addFace(values: readonly string[], line: number): void {
    if (values.length < 3) throw to.fail(`Line ${line} is a face of ${values.length} corners; three are the least`);
    const corners = values.map((value) => {
      const [a, b, c] = value.split('/');
      return [indexOf(a, v.length / 3, line), indexOf(b, vt.length / 2, line), indexOf(c, vn.length / 3, line)];
    });
    if (corners.some(([position]) => position < 0))
      throw to.fail(`Line ${line} is a face with a corner without a position`);
    for (let i = 2; i < corners.length; i++) current.corners.push(...corners[0], ...corners[i - 1], ...corners[i]);
  }

  /** Numbers count from 1, or backwards from the last with a minus. */
  function indexOf(word: string | undefined, count: number, line: number): number {
    if (word === undefined || word === '') return -1;
    const value = Number(word);
    const index = value < 0 ? count + value : value - 1;
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw to.fail(`Line ${line} names number ${word} of ${count}`);
    }
    return index;
  }

  function addPiece(name: string, corners: readonly number[], materials: ReadonlyMap<string, SurfaceMaterial>): void {
    const material = materials.get(name);
    if (material === undefined && name !== '') {
      to.warn(`The material ${name} is in no .mtl file: a neutral colour stands for it`);
    }
    const known = new Map<string, number>();
    const [positions, uv, normals]: number[][] = [[], [], []];
    const triangles = new Uint32Array(corners.length / 3);
    for (let i = 0; i < corners.length; i += 3) {
      const [a, b, c] = corners.slice(i, i + 3);
      const key = `${a}/${b}/${c}`;
      let vertex = known.get(key);
      if (vertex === undefined) {
        vertex = known.size;
        known.set(key, vertex);
        positions.push(v[3 * a], v[3 * a + 1], v[3 * a + 2]);
        // OBJ counts from the lower edge of the picture.
        uv.push(...(b < 0 ? [0, 0] : [vt[2 * b], 1 - vt[2 * b + 1]]));
        normals.push(...(c < 0 ? [NaN, NaN, NaN] : unit(vn[3 * c], vn[3 * c + 1], vn[3 * c + 2])));
      }
      triangles[i / 3] = vertex;
    }
    to.add({
      positions: Float64Array.from(positions),
      normals: Float64Array.from(normals),
      uv: Float32Array.from(uv),
      triangles,
      material: to.addMaterial(material ?? PLAIN_MATERIAL),
    });
  }
}

const CURVED: ReadonlySet<string> = new Set(['curv', 'curv2', 'surf']);

function unit(x: number, y: number, z: number): number[] {
  const length = Math.hypot(x, y, z);
  return length > 0 ? [x / length, y / length, z / length] : [NaN, NaN, NaN];
}

/** Lines, with those that end in a backslash joined to the next. */
function* linesOf(text: string): Generator<string> {
  let kept = '';
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end).replace(/\r$/, '');
    at = end < 0 ? text.length : end + 1;
    if (line.endsWith('\\')) {
      kept += `${line.slice(0, -1)} `;
      continue;
    }
    yield kept + line;
    kept = '';
  }
  if (kept !== '') yield kept;
}

async function readLibraries(
  names: readonly string[],
  to: SurfaceBuilder,
  beside: FilesBeside,
): Promise<Map<string, SurfaceMaterial>> {
  const materials = new Map<string, SurfaceMaterial>();
  const pictures = new Map<string, SurfacePicture>();
  for (const name of names) {
    const text = new TextDecoder().decode(await beside(name));
    let current: { -readonly [key in keyof SurfaceMaterial]: SurfaceMaterial[key] } | undefined;
    for (const line of linesOf(text)) {
      const [word = '', ...values] = line.trim().split(/\s+/);
      if (word === 'newmtl') {
        // A picture counts as it is when no colour stands beside it.
        current = { ...PLAIN_MATERIAL, name: line.trim().slice(6).trim(), colour: [1, 1, 1, 1], doubleSided: true };
        materials.set(current.name, current);
      } else if (current === undefined) continue;
      else if (word === 'Kd') current.colour = [...colourOf(values, name), current.colour[3]];
      else if (word === 'd' || word === 'Tr') setOpacity(current, Number(values.at(-1)), word === 'Tr');
      else if (word === 'map_Kd') current.picture = await pictureOf(values);
    }
  }
  return materials;

  function colourOf(values: readonly string[], library: string): [number, number, number] {
    const [r, g = r, b = r] = values.map(Number);
    if (![r, g, b].every((value) => value >= 0 && value <= 1)) {
      throw to.fail(`${library} has a Kd that is no colour (${values.join(' ')}); three numbers of 0 to 1 are`);
    }
    return [r, g, b].map(toLinear) as [number, number, number];
  }

  async function pictureOf(values: readonly string[]): Promise<SurfacePicture> {
    const file = values.slice(optionsEnd(values)).join(' ');
    if (file === '') throw new RelievoError('input-invalid', 'A map_Kd names no file', { where: to.path });
    const known = pictures.get(file) ?? { name: file, bytes: await beside(file) };
    pictures.set(file, known);
    return known;
  }

  /** `-o`, `-s` and `-t` move the picture, which is not read; the others have a fixed number of words. */
  function optionsEnd(values: readonly string[]): number {
    let at = 0;
    while (values[at]?.startsWith('-') && at < values.length - 1) {
      const option = values[at++];
      if (['-o', '-s', '-t'].includes(option)) {
        to.warn(`The option ${option} of a map_Kd is left out: the picture is not moved`);
        while (at < values.length - 1 && Number.isFinite(Number(values[at]))) at++;
      } else at += option === '-mm' ? 2 : 1;
    }
    return at;
  }
}

function setOpacity(
  material: { colour: SurfaceMaterial['colour']; alpha: string },
  value: number,
  inverse: boolean,
): void {
  const opacity = inverse ? 1 - value : value;
  if (!(opacity >= 0 && opacity < 1)) return;
  const [r, g, b] = material.colour;
  Object.assign(material, { colour: [r, g, b, opacity], alpha: 'BLEND' });
}

/** From sRGB, in which OBJ's colours are taken to be, to the linear colours of glTF. */
function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
