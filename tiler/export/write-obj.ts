/** A scene as Wavefront OBJ, z up, with its materials (MTL) and pictures in files beside it; names have no spaces. */
import type { Picture } from './piece.ts';
import { type Scene, type ScenePart, sceneStatement } from './scene.ts';

export interface NamedFile {
  readonly name: string;
  readonly content: Uint8Array | Iterable<string>;
}

/** The files that the OBJ refers to, whose names begin with `stem`, then the OBJ itself under its name. */
export function writeObj(scene: Scene, stem: string, name: string): NamedFile[] {
  const plain = stem.replace(/[^\w.-]+/g, '_');
  const pictures = new Map<Picture, string>();
  for (const { material } of scene.parts) {
    const { picture } = material;
    if (!picture || pictures.has(picture)) continue;
    const number = String(pictures.size + 1).padStart(3, '0');
    pictures.set(picture, `${plain}-${number}.${picture.type === 'image/png' ? 'png' : 'jpg'}`);
  }
  const statement = sceneStatement(scene, 'x east, y north, z up').map((line) => `# ${line}\n`);
  return [
    ...[...pictures].map(([{ bytes }, file]) => ({ name: file, content: bytes })),
    { name: `${plain}.mtl`, content: materialLines(scene.parts, pictures) },
    { name, content: objectLines(scene.parts, statement, `${plain}.mtl`) },
  ];
}

function* materialLines(parts: readonly ScenePart[], pictures: ReadonlyMap<Picture, string>): Generator<string> {
  for (const [i, { material }] of parts.entries()) {
    const { colour, picture } = material;
    yield `newmtl material${i + 1}\nKd ${colour.slice(0, 3).join(' ')}\nKs 0 0 0\nd ${colour[3]}\nillum 1\n`;
    const file = picture && pictures.get(picture);
    if (file) yield `map_Kd ${file}\n`;
    yield '\n';
  }
}

/** A tenth of a millimetre, which is what positions are worth at 1 km in float32. */
const DIGITS = 4;

function* objectLines(parts: readonly ScenePart[], statement: readonly string[], library: string): Generator<string> {
  yield* statement;
  yield `mtllib ${library}\no surface\n`;
  let [places, coordinates, directions] = [1, 1, 1];
  for (const [i, { positions: p, uv, normals: n, triangles }] of parts.entries()) {
    yield `usemtl material${i + 1}\n`;
    for (let k = 0; k < p.length; k += 3) {
      yield `v ${p[k].toFixed(DIGITS)} ${p[k + 1].toFixed(DIGITS)} ${p[k + 2].toFixed(DIGITS)}\n`;
    }
    // Rows of pictures are counted from below here.
    if (uv) for (let k = 0; k < uv.length; k += 2) yield `vt ${uv[k].toFixed(6)} ${(1 - uv[k + 1]).toFixed(6)}\n`;
    if (n) {
      for (let k = 0; k < n.length; k += 3)
        yield `vn ${n[k].toFixed(5)} ${n[k + 1].toFixed(5)} ${n[k + 2].toFixed(5)}\n`;
    }
    const corner = (vertex: number) => {
      if (!uv && !n) return `${places + vertex}`;
      return `${places + vertex}/${uv ? coordinates + vertex : ''}${n ? `/${directions + vertex}` : ''}`;
    };
    for (let k = 0; k < triangles.length; k += 3) {
      yield `f ${corner(triangles[k])} ${corner(triangles[k + 1])} ${corner(triangles[k + 2])}\n`;
    }
    places += p.length / 3;
    if (uv) coordinates += uv.length / 2;
    if (n) directions += n.length / 3;
  }
}
