/**
 * Judges the mesh of a terrain tile against its place: vertices within its region and heights, triangles that cover it once
 * and face up, skirts that hang outward, normals, and what the tile's metadata say of sphere and horizon.
 */
import { faceOf } from './3d-mesh.ts';
import type { TileFacts } from './3d-metadata.ts';
import type { PlacedMesh } from './3d-place.ts';
import { checkSkirts } from './3d-skirts.ts';
import type { Report } from './3d-volume.ts';
import { FAR_POINT, occlusionExcess } from './check-tile.ts';
import {
  angleBetween,
  cross,
  DEGREE,
  dot,
  EQUATOR_RADIUS,
  length,
  subtract,
  toEcef,
  toScaled,
  upAt,
  type Vector,
} from './wgs84.ts';

/** `bound`: the error that clients assume of the level, in metres. */
export function checkTerrain(
  placed: PlacedMesh,
  facts: TileFacts | undefined,
  bound: number,
  wantsSkirts: boolean,
  report: Report,
): void {
  checkTriangles(placed, report);
  checkNormals(placed, report);
  if (!placed.atPole) checkSkirts(placed, bound, wantsSkirts, report);
  checkFacts(placed, facts, report);
  checkTexture(placed, report);
}

function checkTriangles({ mesh, lons, lats, region, slack, atPole, surface }: PlacedMesh, report: Report): void {
  let flat = 0;
  let down = 0;
  let covered = 0;
  for (let t = 0; t < surface.length; t += 3) {
    const [a, b, c] = [surface[t], surface[t + 1], surface[t + 2]];
    const [p, q, r] = [mesh.positions[a], mesh.positions[b], mesh.positions[c]];
    const [side, other, third] = [subtract(q, p), subtract(r, p), subtract(r, q)];
    if (Math.min(length(side), length(other), length(third)) === 0) {
      if (!(atPole && Math.max(Math.abs(lats[a]), Math.abs(lats[b]), Math.abs(lats[c])) > 89.9)) flat++;
      continue;
    }
    const face = cross(side, other);
    const thin = length(face) / Math.max(length(side), length(other), length(third));
    const up: Vector = [p[0] + q[0] + r[0], p[1] + q[1] + r[1], p[2] + q[2] + r[2]];
    if (dot(face, up) < 0 && thin > 2 * slack) down++;
    covered += Math.abs((lons[b] - lons[a]) * (lats[c] - lats[a]) - (lons[c] - lons[a]) * (lats[b] - lats[a])) / 2;
  }
  if (flat > 0) report('triangle-degenerate', `${flat} triangles have two corners in one place`, flat);
  if (down > 0) report('triangle-clockwise', `${down} of ${surface.length / 3} triangles face down`, down);
  if (atPole) return;
  const whole = (region.east - region.west) * (region.north - region.south);
  const narrow =
    Math.cos(Math.max(Math.abs(region.south), Math.abs(region.north)) * DEGREE) *
    (region.north - region.south) *
    DEGREE *
    EQUATOR_RADIUS;
  const share = covered / whole;
  if (Math.abs(share - 1) > 1e-5 + (4 * slack) / narrow)
    report('area-not-covered', `the triangles cover ${(100 * share).toFixed(3)} % of the tile`, Math.abs(share - 1));
}

/** Degrees by which the mean normal may lean from the mean of the surface: relief goes up and down again. */
const GREATEST_LEAN = 30;

function checkNormals({ mesh, lons, lats, region, surface }: PlacedMesh, report: Report): void {
  const { normals, normalRounding } = mesh;
  if (normals === undefined) return;
  const drawn = [...new Set(surface)];
  const inward = drawn.filter((i) => dot(normals[i], upAt(lons[i], lats[i])) < -normalRounding).length;
  if (inward > 0) report('normals-inward', `${inward} of ${drawn.length} normals point into the Earth`, inward);
  let faces: Vector = [0, 0, 0];
  let given: Vector = [0, 0, 0];
  let whole = 0;
  for (let t = 0; t < surface.length; t += 3) {
    const corners = surface.slice(t, t + 3);
    const face = faceOf({ ...mesh, triangles: corners }, 0);
    const area = length(face);
    whole += 3 * area;
    faces = add(faces, face, 1);
    for (const i of corners) given = add(given, normals[i], area);
  }
  const middle = upAt((region.west + region.east) / 2, (region.south + region.north) / 2);
  if (dot(faces, middle) < 0.5 * length(faces) || length(given) < 0.5 * whole) return;
  const lean = angleBetween(faces, given) / DEGREE;
  if (lean > GREATEST_LEAN)
    report('normals-tilted', `the mean normal leans ${lean.toFixed(1)} degrees from the mean of the surface`, lean);
}

function add(sum: Vector, term: Vector, weight: number): Vector {
  return [sum[0] + term[0] * weight, sum[1] + term[1] * weight, sum[2] + term[2] * weight];
}

/** Radians by which a far point may lie beside the tile's middle. */
const FAR_ASIDE = 0.01;

function checkFacts({ mesh, region, surface, slack }: PlacedMesh, facts: TileFacts | undefined, report: Report): void {
  if (facts === undefined) return;
  const positions = [...new Set(surface)].map((i) => mesh.positions[i]);
  if (facts.sphere) {
    const [x, y, z, radius] = facts.sphere;
    const farthest = Math.max(...positions.map((position) => length(subtract(position, [x, y, z]))));
    if (farthest > radius + slack)
      report(
        'sphere-open',
        `a vertex lies ${farthest} m from the centre of TILE_BOUNDING_SPHERE, its radius is ${radius} m`,
        farthest - radius,
      );
    else if (radius > 2 * farthest + 1)
      report(
        'sphere-loose',
        `TILE_BOUNDING_SPHERE has a radius of ${radius} m, the farthest vertex lies at ${farthest} m`,
      );
  }
  if (facts.occlusion === undefined) return;
  const [x, y, z] = facts.occlusion;
  const point: Vector = [x, y, z];
  const far = length(point);
  if (far >= FAR_POINT) {
    const middle = toScaled(toEcef((region.west + region.east) / 2, (region.south + region.north) / 2, 0));
    const aside = angleBetween(point, middle);
    if (aside > FAR_ASIDE)
      report(
        'occlusion-hides',
        `the far TILE_HORIZON_OCCLUSION_POINT lies ${aside.toPrecision(3)} rad off the direction of the tile's middle`,
        aside,
      );
    return;
  }
  // Positions are rounded once more than those that the point was made for.
  const lower = positions.map((position): Vector => {
    const share = 1 - slack / length(position);
    return [position[0] * share, position[1] * share, position[2] * share];
  });
  const excess = occlusionExcess(point, lower) - slack / EQUATOR_RADIUS;
  if (excess > 1e-9)
    report(
      'occlusion-hides',
      `TILE_HORIZON_OCCLUSION_POINT (${far} radii from the centre) hides a vertex that can still be seen: it comes ${excess.toPrecision(3)} rad short`,
      excess,
    );
}

/** Whether the picture runs west to east and north to south. */
function checkTexture({ mesh, lons, lats, surface }: PlacedMesh, report: Report): void {
  const { texture } = mesh;
  if (texture === undefined) return;
  const drawn = [...new Set(surface)];
  const across = slopeOf(drawn.map((i) => [lons[i], texture[2 * i]]));
  const down = slopeOf(drawn.map((i) => [lats[i], texture[2 * i + 1]]));
  if (across < 0 || down > 0)
    report(
      'texture-turned',
      `texture coordinates run ${across < 0 ? 'to the west' : 'to the east'} and ${down > 0 ? 'to the north' : 'to the south'}`,
    );
}

function slopeOf(pairs: readonly (readonly [number, number])[]): number {
  const mean = (k: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[k], 0) / pairs.length;
  const [x, y] = [mean(0), mean(1)];
  return pairs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
}
