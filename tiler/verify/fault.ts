/**
 * Every kind of thing that the verifier names: its word, whether it is a fault (some client draws or reads the set wrongly)
 * or a note (unusual or wasteful, drawn rightly by all), and what it means.
 */
import { FAULTS_3D, NOTES_3D } from './3d-kinds.ts';
import type { Severity } from './report-types.ts';

const FAULTS = {
  // bytes
  'tile-unreadable': 'The tile is there, but its bytes could not be read.',
  'gzip-twice': 'The tile was packed twice: clients unpack once and find no tile.',
  'gzip-trailing': 'Bytes follow the packed tile: strict clients refuse the file.',
  'not-a-tile': 'The bytes are something else than a quantized-mesh tile.',
  'gzip-broken': 'The bytes begin like gzip and do not unpack.',
  truncated: 'The tile ends before it is whole.',
  'trailing-bytes': 'Bytes follow the last part that are no extension: QGIS and cesium-native may read past them.',
  'index-above-high-water': 'An index code exceeds the next new vertex: QGIS decodes garbage, others wrap around.',
  'index-out-of-range': 'An index names a vertex that does not exist.',
  'code-out-of-range': 'A value of u, v or height lies outside 0..32767.',
  'extension-repeated': 'The same extension stands there twice; clients take either.',
  'extension-big-endian': 'The length of an extension is written in big-endian numbers: clients lose what follows.',
  'extension-length': 'The length of an extension does not fit the tile.',
  // header
  'header-not-finite': 'A number of the header is NaN or infinite: culling then fails in ways that differ by client.',
  'height-range-inverted': 'The minimum height lies above the maximum.',
  'centre-far': "The centre lies outside the tile's own bounding sphere.",
  'sphere-open': 'A vertex lies outside the bounding sphere: the tile disappears while it should be seen.',
  'occlusion-hides': 'The horizon occlusion point hides ground that can still be seen.',
  'height-range-strays':
    "The heights of a tile leave its parent's range by more than both may be off: culling by the parent hides it.",
  // mesh
  'vertex-count-65536': 'Exactly 65536 vertices: CesiumJS throws a RangeError.',
  'vertex-order': 'Vertices are not numbered in the order of their first use, which the index coding needs.',
  'corner-missing': 'A corner of the tile has no vertex: clients cannot close the seam.',
  'edge-incomplete': 'An edge list leaves out vertices of that edge: skirts and upsampling break there.',
  'edge-foreign-vertex': 'An edge list holds vertices that do not lie on that edge.',
  'edge-repeated-vertex': 'An edge list names a vertex twice.',
  'triangle-degenerate': 'Triangles without area in u and v: vertical slivers that flicker and take any normal.',
  'triangle-clockwise': 'Triangles run clockwise seen from above: clients that cull back faces show holes.',
  'triangles-not-joined': 'Triangles do not meet side to side: cracks inside the tile, a fold or a doubled face.',
  'area-not-covered': 'The triangles do not cover the tile exactly once.',
  // extensions
  'normals-inward': 'Normals point into the Earth: those places are lit from the wrong side.',
  'normals-tilted': 'Normals lean away from the surface as a whole: they are not in the Earth-centred frame.',
  'watermask-length': 'A water mask must have 1 or 65536 bytes.',
  'metadata-not-json': 'The metadata extension holds no JSON.',
  'metadata-missing':
    'A tile that must list its descendants (metadataAvailability) has no metadata: nothing below it appears.',
  'metadata-disagrees': 'The metadata extension lists other children than there are.',
  // layer.json and the set
  'layer-unreadable': 'There is no layer.json that can be read: no client can open the set.',
  'layer-field': 'A field of layer.json is missing or is not what CesiumJS, cesium-native or QGIS needs.',
  'layer-template': 'The address template of layer.json leads to no tile.',
  'layer-bounds': 'The bounds of layer.json lie elsewhere than the tiles: QGIS shows another place.',
  'layer-available': '`available` of layer.json is missing or contradicts itself.',
  'root-missing': 'A root tile is missing: its part of the globe never appears.',
  'tile-missing': 'A tile that layer.json advertises is not there: clients draw it from its parent and log errors.',
  'tile-unlisted': 'A tile exists that layer.json does not advertise: no client asks for it.',
  'tile-outside-grid': 'The address of a tile does not exist at its level.',
  'parent-missing': 'The parent of a tile is missing: no client gets to the tile.',
  'extension-missing': 'layer.json lists an extension that the tile lacks.',
  'extension-unlisted': 'The tile carries an extension that layer.json does not list.',
  'border-posts-differ': 'Two neighbours have different vertices on their common border: a crack or a T-junction.',
  'border-heights-differ': 'Two neighbours have different heights on their common border: a crack.',
  'border-normals-differ': 'Two neighbours have different normals on their common border: a seam shows in the light.',
  // HTTP
  'http-encoding': 'The body and its Content-Encoding do not agree: no browser client can read the tile.',
  'http-cors': 'Access-Control-Allow-Origin is missing: browsers refuse the answer to pages of other origins.',
  'http-missing-status': 'A tile that does not exist must be answered with 404; clients take anything else for a tile.',
  'http-vary': 'The answer depends on a request header that Vary does not name: caches mix up variants.',
  'http-conditional': 'An ETag is given, but If-None-Match with that tag is not answered with 304.',
  // measurement
  bound: 'The drawn surface is further from the source than clients assume of the level.',
  'source-elsewhere': 'The source lies beside the tiles: at the depth of the set nothing could be measured.',
  'level-shifted': 'The surface fits the source better when it is moved: it lies beside its place.',
} as const;

const NOTES = {
  'sphere-loose': 'The bounding sphere is more than twice as large as the tile: it is drawn and loaded too often.',
  'occlusion-loose': 'The horizon occlusion point hides the tile far too late: it is drawn and loaded in vain.',
  'triangle-empty': 'Triangles that name a vertex twice draw nothing and cost bytes.',
  'vertex-unused': 'Vertices that no triangle uses cost bytes and nothing else.',
  'vertex-repeated': 'Several vertices stand at the same u and v, which costs bytes.',
  'edge-unsorted': 'An edge list is not in ascending order; clients sort it.',
  'layer-habit': 'A field of layer.json is unusual, and no client that was looked at fails on it.',
  'siblings-incomplete': 'Not all four children exist; clients cut the missing ones from the parent.',
  'http-type': 'The content type is not the usual one; clients do not check it.',
  'http-caching': 'Nothing lets a client or a cache keep the answer.',
  'http-unasked': 'Extensions are sent that the request did not ask for; QGIS then shades wrongly.',
  'bound-beyond-native': 'Deeper than the source, the surface is further from it than clients assume.',
  'bound-before-relief':
    'On levels that are flat on purpose, the surface is further from the source than clients assume.',
  'samples-uncovered': 'Samples of the source lie over no triangle of the level.',
} as const;

type Code3d = keyof typeof FAULTS_3D | keyof typeof NOTES_3D;
export type FaultCode = keyof typeof FAULTS | keyof typeof NOTES | Code3d;

export function severityOf(code: FaultCode): Severity {
  return code in FAULTS || code in FAULTS_3D ? 'fault' : 'note';
}

export function meaningOf(code: FaultCode): string {
  const plain: Readonly<Record<string, string>> = { ...FAULTS, ...NOTES };
  return plain[code] ?? { ...FAULTS_3D, ...NOTES_3D }[code as Code3d][0];
}

export interface Fault {
  readonly code: FaultCode;
  /** A sentence: what was expected and what was found. */
  readonly message: string;
  /** How bad, to compare with others of the same kind. */
  readonly size?: number | undefined;
  /** Path of the tile in the set; absent for the set. */
  readonly tile?: string | undefined;
}
