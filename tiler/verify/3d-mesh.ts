/**
 * What a glTF draws, as one mesh in Earth-centred metres: node transforms first, then the turn from y-up to z-up
 * (x, -z, y), then the tile's transform (3D Tiles 1.1, "glTF Transforms"). Judged by what holds for any mesh.
 */
import {
  type Accessor,
  BYTE,
  FLOAT,
  type Gltf,
  itemOf,
  UNSIGNED_BYTE,
  UNSIGNED_INT,
  UNSIGNED_SHORT,
} from './3d-glb.ts';
import { cofactors, meantValues, roundingOf } from './3d-numbers.ts';
import {
  IDENTITY,
  isNumbers,
  isObject,
  type Json,
  type Matrix,
  movePoint,
  multiply,
  type Report,
} from './3d-volume.ts';
import type { FaultCode } from './fault.ts';
import { cross, length, subtract, type Vector } from './wgs84.ts';

export interface JudgedMesh {
  /** ECEF metres. */
  readonly positions: readonly Vector[];
  /** ECEF, as the glTF gives them after its transforms; undefined where a primitive has none. */
  readonly normals: readonly Vector[] | undefined;
  readonly texture: Float64Array | undefined;
  readonly triangles: readonly number[];
  /** Metres by which a position may be off through the rounding of its numbers. */
  readonly rounding: number;
  /** Radians by which a normal may be off through the rounding of its numbers. */
  readonly normalRounding: number;
  readonly doubleSided: boolean;
  readonly edges: Readonly<Record<RingSide, readonly number[]>> | undefined;
}

export const RING_SIDES = ['left', 'bottom', 'right', 'top'] as const;
export type RingSide = (typeof RING_SIDES)[number];

const Y_UP_TO_Z_UP: Matrix = [1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1];

/** Undefined where nothing can be drawn. */
export function readMesh(gltf: Gltf, transform: Matrix, report: Report): JudgedMesh | undefined {
  const drawn = new Gathering(gltf, report);
  const { scenes, scene = 0, nodes } = gltf.json;
  const picked = itemOf(scenes, scene);
  if (picked === undefined || !Array.isArray(picked.nodes)) {
    report('gltf-field', 'there is no scene with nodes');
    return undefined;
  }
  const outer = multiply(transform, Y_UP_TO_Z_UP);
  const visit = (index: unknown, matrix: Matrix, depth: number): void => {
    const node = itemOf(nodes, index);
    if (node === undefined || depth > 32) {
      report('gltf-field', `there is no node ${String(index)}`);
      return;
    }
    const here = multiply(matrix, nodeMatrix(node, report));
    if (node.mesh !== undefined) drawn.addMesh(node.mesh, here);
    if (Array.isArray(node.children)) for (const child of node.children) visit(child, here, depth + 1);
  };
  for (const index of picked.nodes) visit(index, outer, 0);
  return drawn.finish();
}

export function nodeMatrix(node: Json, report: Report): Matrix {
  const { matrix, translation = [0, 0, 0], rotation = [0, 0, 0, 1], scale = [1, 1, 1] } = node;
  if (matrix !== undefined) {
    if (isNumbers(matrix, 16)) return matrix;
    report('gltf-field', 'a node has a matrix that is no list of 16 finite numbers');
    return IDENTITY;
  }
  if (!isNumbers(translation, 3) || !isNumbers(rotation, 4) || !isNumbers(scale, 3)) {
    report('gltf-field', 'a node has a translation, rotation or scale that is no list of finite numbers');
    return IDENTITY;
  }
  const [x, y, z, w] = rotation;
  const [sx, sy, sz] = scale;
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)].map((value) => value * sx),
    0,
    ...[2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)].map((value) => value * sy),
    0,
    ...[2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)].map((value) => value * sz),
    0,
    ...translation,
    1,
  ];
}

class Gathering {
  private readonly positions: Vector[] = [];
  private readonly normals: Vector[] = [];
  private readonly texture: number[] = [];
  private readonly triangles: number[] = [];
  private rounding = 0;
  private normalRounding = 0;
  private doubleSided = true;
  private edges: JudgedMesh['edges'];
  private readonly gltf: Gltf;
  private readonly report: Report;

  constructor(gltf: Gltf, report: Report) {
    this.gltf = gltf;
    this.report = report;
  }

  addMesh(index: unknown, matrix: Matrix): undefined {
    const mesh = itemOf(this.gltf.json.meshes, index);
    const primitives = Array.isArray(mesh?.primitives) ? mesh.primitives : undefined;
    if (primitives === undefined) return this.refuse('gltf-field', `there is no mesh ${String(index)} with primitives`);
    for (const primitive of primitives) if (isObject(primitive)) this.addPrimitive(primitive, matrix);
  }

  finish(): JudgedMesh | undefined {
    const { positions, triangles, rounding, normalRounding, doubleSided, edges } = this;
    if (positions.length === 0) return undefined;
    const whole = (list: readonly unknown[], each: number) => list.length === each * positions.length;
    return {
      positions,
      normals: whole(this.normals, 1) ? this.normals : undefined,
      texture: whole(this.texture, 2) ? Float64Array.from(this.texture) : undefined,
      triangles,
      rounding,
      normalRounding,
      doubleSided,
      edges,
    };
  }

  private addPrimitive(primitive: Json, matrix: Matrix): undefined {
    const { attributes, indices, mode = 4, material, extensions } = primitive;
    if (mode !== 4)
      return this.refuse('content-unjudged', `a primitive has the mode ${String(mode)}, only triangles (4) are judged`);
    if (isObject(extensions) && extensions.KHR_draco_mesh_compression)
      return this.refuse('content-unjudged', 'a primitive is packed by Draco');
    if (!isObject(attributes)) return this.refuse('gltf-field', 'a primitive has no attributes');
    const position = this.gltf.accessor(attributes.POSITION, 'POSITION');
    if (position === undefined) return;
    if (position.components !== 3)
      return this.refuse('gltf-field', `POSITION has ${position.components} components, expected 3`);
    if (position.componentType !== FLOAT && !this.requires('KHR_mesh_quantization'))
      this.report(
        'extensions-disagree',
        'POSITION is quantised, and KHR_mesh_quantization does not stand in extensionsRequired',
      );
    if (position.componentType !== FLOAT && position.stride % 4 !== 0)
      this.report('accessor-overrun', `POSITION: a stride of ${position.stride} bytes is not aligned to 4`);
    const base = this.positions.length;
    const values = meantValues(position);
    if (values.some((value) => !Number.isFinite(value)))
      return this.refuse('position-not-finite', 'a POSITION is NaN or infinite');
    for (let i = 0; i < values.length; i += 3)
      this.positions.push(movePoint(matrix, [values[i], values[i + 1], values[i + 2]]));
    this.rounding = Math.max(this.rounding, roundingOf(position, values, matrix));
    this.addNormals(attributes.NORMAL, position.count, matrix);
    const texture =
      attributes.TEXCOORD_0 === undefined ? undefined : this.gltf.accessor(attributes.TEXCOORD_0, 'TEXCOORD_0');
    if (texture && texture.count === position.count) for (const value of meantValues(texture)) this.texture.push(value);
    const look = itemOf(this.gltf.json.materials, material);
    if (look?.doubleSided !== true) this.doubleSided = false;
    const pbr = isObject(look?.pbrMetallicRoughness) ? look.pbrMetallicRoughness : {};
    if (pbr.baseColorTexture !== undefined && texture?.count !== position.count)
      this.report(
        'gltf-field',
        `a picture is used, and TEXCOORD_0 has ${texture?.count ?? 'no'} elements for ${position.count} vertices`,
      );
    const drawn = this.addTriangles(indices, position, base);
    if (!drawn) return;
    const edges = isObject(extensions) ? extensions.CESIUM_tile_edges : undefined;
    if (isObject(edges) && this.edges === undefined) this.addEdges(edges, base, position.count);
  }

  private addNormals(index: unknown, count: number, matrix: Matrix): undefined {
    const normal = index === undefined ? undefined : this.gltf.accessor(index, 'NORMAL');
    if (normal === undefined) return;
    if (normal.count !== count)
      return this.refuse('gltf-field', `NORMAL has ${normal.count} elements for ${count} vertices`);
    const values = meantValues(normal);
    if (values.some((value) => !Number.isFinite(value)))
      return this.refuse('position-not-finite', 'a NORMAL is NaN or infinite');
    const coarse = normal.componentType === BYTE ? 0.02 : 1e-3;
    const turn = cofactors(matrix);
    let wrong = 0;
    let worst = 1;
    for (let i = 0; i < values.length; i += 3) {
      const one: Vector = [values[i], values[i + 1], values[i + 2]];
      const size = length(one);
      if (Math.abs(size - 1) > coarse) wrong++;
      if (Math.abs(size - 1) > Math.abs(worst - 1)) worst = size;
      const turned = movePoint(turn, one);
      const far = length(turned) || 1;
      this.normals.push([turned[0] / far, turned[1] / far, turned[2] / far]);
    }
    this.normalRounding = Math.max(this.normalRounding, normal.componentType === BYTE ? 0.03 : 1e-3);
    if (wrong > 0)
      this.report(
        'normals-not-unit',
        `${wrong} of ${count} normals are not of length 1, the worst is ${worst.toPrecision(4)}`,
        wrong,
      );
  }

  private addTriangles(index: unknown, position: Accessor, base: number): boolean {
    const accessor = index === undefined ? undefined : this.gltf.accessor(index, 'indices');
    if (index !== undefined && accessor === undefined) return false;
    if (accessor && ![UNSIGNED_BYTE, UNSIGNED_SHORT, UNSIGNED_INT].includes(accessor.componentType)) {
      this.report('gltf-field', `indices have the componentType ${accessor.componentType}, expected an unsigned one`);
      return false;
    }
    const values = accessor?.values ?? Float64Array.from({ length: position.count }, (_, i) => i);
    if (values.length % 3 !== 0) this.report('gltf-field', `${values.length} indices do not make whole triangles`);
    const beyond = values.filter((value) => value >= position.count).length;
    if (beyond > 0) {
      this.report(
        'index-out-of-range',
        `${beyond} indices name a vertex beyond the ${position.count} there are`,
        beyond,
      );
      return false;
    }
    for (let i = 0; i + 2 < values.length; i += 3)
      for (let k = 0; k < 3; k++) this.triangles.push(base + values[i + k]);
    return true;
  }

  private addEdges(json: Json, base: number, count: number): undefined {
    const found: Partial<Record<RingSide, number[]>> = {};
    for (const side of RING_SIDES) {
      const accessor = this.gltf.accessor(json[side], `CESIUM_tile_edges.${side}`);
      if (accessor === undefined) return;
      if (accessor.values.some((value) => value >= count))
        return this.refuse(
          'index-out-of-range',
          `CESIUM_tile_edges.${side} names a vertex beyond the ${count} there are`,
        );
      found[side] = [...accessor.values].map((value) => base + value);
    }
    this.edges = found as Record<RingSide, number[]>;
  }

  private refuse(code: FaultCode, why: string): undefined {
    this.report(code, why);
  }

  private requires(extension: string): boolean {
    const { extensionsRequired } = this.gltf.json;
    return Array.isArray(extensionsRequired) && extensionsRequired.includes(extension);
  }
}

/** Area and direction of a triangle in space, doubled. */
export function faceOf({ positions, triangles }: JudgedMesh, at: number): Vector {
  const [a, b, c] = [positions[triangles[at]], positions[triangles[at + 1]], positions[triangles[at + 2]]];
  return cross(subtract(b, a), subtract(c, a));
}
