/** What helps against each kind of finding, in a sentence for whoever made the tiles. */
import { FAULTS_3D, NOTES_3D } from './3d-kinds.ts';
import type { FaultCode } from './fault.ts';

const REMEDIES: Readonly<Partial<Record<FaultCode, string>>> = {
  'tile-unreadable': 'Check the rights of the file, the disk, or what the server answers at that address.',
  'gzip-broken': 'Make or copy the tile again: the transfer or the disk cut or changed it.',
  'gzip-twice':
    'Pack once: a step that packs files (an upload with -z, a server that packs answers) found packed ones.',
  'not-a-tile': 'Answer tiles that do not exist with status 404, and do not store answers that were no tiles.',
  'gzip-trailing': 'Cut the file at the end of the packed tile; a copy in blocks or an archive padded it.',
  'triangle-empty': 'Drop triangles that name a vertex twice.',
  'metadata-missing': 'Write the metadata extension in every tile of those levels that has children, and list it.',
  truncated: 'Make or copy the tile again; if a tool wrote it so, its counts and its arrays disagree.',
  'trailing-bytes': 'Write an extension as id, length in little-endian and payload, and nothing after the last one.',
  'index-above-high-water':
    'Number the vertices in the order in which the triangles first use them, then code next - index.',
  'index-out-of-range': 'Check the remapping of indices after vertices were dropped or numbered anew.',
  'code-out-of-range': 'Clamp u, v and height to 0..32767 before they are written as zig-zag differences.',
  'extension-repeated': 'Write each extension once.',
  'extension-length': 'Write two bytes of normal for each vertex; for metadata, the length of the JSON in bytes first.',
  'extension-big-endian': 'Write lengths in little-endian; big-endian belongs to the old name `vertexnormals`.',
  'header-not-finite': 'Look for voids (NaN) that reached the heights, and for a division by a flat range.',
  'height-range-inverted': 'Write the lesser height first.',
  'centre-far': 'Write the centre in Earth-centred metres, near the middle of the tile.',
  'sphere-open':
    'Compute the sphere from the quantised vertices in float64, and add a small margin; check the address too.',
  'sphere-loose': 'Compute the sphere from the vertices of the tile and not from its parent or its box of heights.',
  'occlusion-hides':
    'Compute the point from the quantised vertices, in ellipsoid-scaled space, by the formula of CesiumJS.',
  'occlusion-loose': 'Divide the point by the radii of the ellipsoid; a far point is for tiles that have no valid one.',
  'height-range-strays': 'Check the unit and the datum of the heights at both levels.',
  'vertex-count-65536': 'Keep a tile below 65536 vertices: raise its error or its level.',
  'vertex-order': 'Number the vertices in the order in which the triangles first use them.',
  'vertex-unused': 'Drop vertices that no triangle uses.',
  'vertex-repeated': 'Merge vertices at the same u and v, and bake no skirts into the mesh: clients make their own.',
  'corner-missing': 'Put a vertex at exactly 0 or 32767 in each corner.',
  'edge-incomplete': 'List every vertex with u or v of exactly 0 or 32767, both corners included.',
  'edge-foreign-vertex': 'List plain indices (not high-water-mark codes) in the order west, south, east, north.',
  'edge-unsorted': 'List west and east from south to north, south and north from west to east.',
  'edge-repeated-vertex': 'List each vertex of an edge once.',
  'triangle-degenerate': 'Drop triangles without area after quantising, and bake no skirts into the mesh.',
  'triangle-clockwise': 'Turn the triangles round, and check whether rows were read from the wrong side.',
  'triangles-not-joined': 'Give both triangles at a side the same two vertices.',
  'area-not-covered': 'Fill voids before meshing, and keep the four sides of the tile whole.',
  'normals-inward': 'Turn the normals away from the Earth.',
  'normals-tilted': 'Rotate normals from east, north, up into the Earth-centred frame, in the order of the vertices.',
  'watermask-length': 'Write one byte for a uniform tile, else 256 rows of 256 bytes from the north-west.',
  'metadata-not-json': 'Write the length of the JSON in bytes, then the JSON as UTF-8.',
  'metadata-disagrees': 'Make the metadata from the same list of tiles as layer.json.',
  'layer-unreadable': 'Write layer.json beside the folders of the levels, as JSON without comments.',
  'layer-field': 'Correct the field that the sentence below names.',
  'layer-template': 'Let the template name the files as they lie: {z}/{x}/{y}.terrain, relative to layer.json.',
  'layer-bounds': 'Write bounds as west, south, east, north in degrees, as far as the data reach.',
  'layer-available': 'Write one list for each level, of ranges counted from the south, both ends inclusive.',
  'layer-habit': 'Nothing must be done; write the usual value for clients that were not looked at.',
  'root-missing': 'Make both roots (EPSG:4326) or the one (EPSG:3857), also where there are no data.',
  'tile-missing': 'Make the tile, or take it out of `available`.',
  'tile-unlisted': 'List the tile in `available`, or delete it; check whether rows were counted from the wrong side.',
  'tile-outside-grid': 'Check the projection: EPSG:4326 has two columns at level 0, EPSG:3857 one.',
  'parent-missing': 'Make all ancestors of a tile.',
  'siblings-incomplete': 'Make all four children of a tile or none.',
  'extension-missing': 'Make the extension for every tile, or do not list it.',
  'extension-unlisted': 'List the extension under its name (octvertexnormals, watermask, metadata), or leave it out.',
  'border-posts-differ': 'Choose the vertices of a border by what both tiles know of it alike.',
  'border-heights-differ':
    'Take heights on a border from the same posts in both tiles, and round them to the nearest code.',
  'border-normals-differ':
    'Compute normals from the terrain with a margin beyond the tile, not from its own triangles.',
  'http-encoding': 'Send Content-Encoding: gzip with packed bytes, and only with packed bytes.',
  'http-cors': 'Send Access-Control-Allow-Origin: * with tiles, layer.json and errors.',
  'http-missing-status': 'Answer 404 where there is no tile; switch off a fallback to a page.',
  'http-vary': 'Send Vary: Accept, Accept-Encoding.',
  'http-conditional': 'Compare If-None-Match with the ETag before the tile is read, and answer 304.',
  'http-type': 'Send Content-Type: application/vnd.quantized-mesh.',
  'http-caching': 'Send an ETag or Cache-Control.',
  'http-unasked': 'Read extensions= from Accept and from the query, and send what was asked for.',
  bound:
    'Name all sources, and --clip and --flatten, as they were given to build; else mesh against samples of full resolution at this level, or lower the error that is allowed.',
  'bound-beyond-native': 'Nothing must be done; such levels show nothing new.',
  'bound-before-relief': 'Give these levels relief if they are to be looked at: build without --min-zoom.',
  'source-elsewhere': 'Give the source that the tiles were made from, or check its reference system and bounds.',
  'level-shifted': 'Check whether the samples are points or areas: half a sample is the usual mistake.',
  'samples-uncovered': 'Plan tiles wherever the source has samples.',
};

/** Undefined for kinds that this version does not know. */
export function remedyOf(kind: string): string | undefined {
  const of3d: Readonly<Record<string, readonly [string, string] | undefined>> = { ...FAULTS_3D, ...NOTES_3D };
  return (REMEDIES as Readonly<Record<string, string>>)[kind] ?? of3d[kind]?.[1];
}
