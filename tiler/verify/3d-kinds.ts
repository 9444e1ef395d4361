/** The kinds of finding that only 3D Tiles have: what each means for whoever draws the tiles, and what helps against it. */

/** Meaning, then remedy. */
export const FAULTS_3D = {
  // tileset.json
  'tileset-unreadable': [
    'There is no tileset.json that can be read: no client can open the set.',
    'Write tileset.json as JSON without comments, with asset, geometricError and root.',
  ],
  'tileset-field': [
    'A field of tileset.json is missing or is not what 3D Tiles 1.1 asks for.',
    'Correct the field that the sentence below names.',
  ],
  'volume-invalid': [
    'A bounding volume is not what its kind asks for: clients cull the tile wrongly or refuse the set.',
    'Write regions as west, south, east, north in radians and two heights in metres; boxes as 12, spheres as 4 numbers.',
  ],
  'volume-not-nested': [
    "A tile's bounding volume leaves its parent's: culling by the parent hides it.",
    'Make the volume of a tile hold those of its children.',
  ],
  'error-not-monotone': [
    "A geometric error is greater than the parent's: clients refine to something coarser, or never.",
    'Let errors fall from the top of tileset.json to its leaves.',
  ],
  'template-broken': [
    'An address template cannot tell tiles apart: clients load one file for many tiles.',
    'Name {level}, {x} and {y} in the templates of content and of subtrees.',
  ],
  'levels-miscounted': [
    'availableLevels is not the number of levels that the subtrees hold: clients stop early or ask for what is not there.',
    'Write how many levels there are, which is one more than the deepest.',
  ],
  'schema-invalid': [
    'The metadata schema is missing or does not fit the property tables: clients cannot read heights and spheres.',
    'Write the schema inline, with the class, the types and the semantics of every property of the tables.',
  ],
  'extensions-disagree': [
    'extensionsUsed or extensionsRequired does not name what is used: clients skip it or fail.',
    'List each extension that occurs in extensionsUsed, and in extensionsRequired those without which nothing can be read.',
  ],
  // subtrees
  'subtree-missing': [
    'A subtree that its parent lists is not there: nothing below it appears.',
    'Write the subtree, or clear its bit in childSubtreeAvailability.',
  ],
  'subtree-unlisted': [
    'A subtree file exists that its parent does not list: no client asks for it.',
    'Set its bit in childSubtreeAvailability, or delete the file.',
  ],
  'subtree-format': [
    'A subtree file is not laid out as 3D Tiles 1.1 says: clients refuse it.',
    'Write magic, version 1, both lengths as 64-bit numbers, JSON and binary padded to 8 bytes, views aligned to 8.',
  ],
  'subtree-count': [
    'An availability bitstream is too short, or its availableCount does not count its bits.',
    'Count the bits that are set, and make the stream as long as the subtree has tiles.',
  ],
  'subtree-parent': [
    'A tile is available whose parent is not: no client gets to it.',
    'Make all ancestors of an available tile available.',
  ],
  'metadata-table': [
    'A property table does not hold a value of the stated type for each available tile.',
    'Write as many values as tiles are available, in the order of their bits, with offsets aligned to 8.',
  ],
  // contents
  'content-missing': [
    'The content of a tile is not there: the tile stays empty, or all of its parent is kept.',
    'Write the file, or clear its bit in contentAvailability.',
  ],
  'content-unlisted': [
    'A content file exists that no tile lists: no client asks for it.',
    'Set its bit in contentAvailability, or delete the file.',
  ],
  'content-without-tile': [
    'Content is available where no tile is.',
    'Set a bit of contentAvailability only where tileAvailability has one.',
  ],
  'tile-without-content': [
    'A tile without content lies below one that has some: refining opens a hole.',
    'Give every available tile content, or make it unavailable.',
  ],
  'glb-format': [
    'The content is no binary glTF 2.0 that strict readers take.',
    'Write magic, version 2, the whole length, a JSON chunk padded with spaces, then a binary chunk padded with zeros.',
  ],
  'gltf-field': [
    'A field of the glTF is missing, names what is not there, or is not what glTF 2.0 asks for.',
    'Correct the field that the sentence below names.',
  ],
  'accessor-overrun': [
    'An accessor or a buffer view reaches beyond its bytes or is not aligned.',
    'Check offsets, strides and counts.',
  ],
  'accessor-bounds': [
    'min and max of an accessor are not those of its data: clients cull by them, and validators refuse the file.',
    'Compute min and max from the values as they are stored.',
  ],
  'compression-broken': [
    'A buffer view that is compressed by meshopt does not decode.',
    'Check mode, count, stride and filter of the compressed view.',
  ],
  'position-not-finite': ['Positions or normals are NaN or infinite.', 'Look for voids that reached the mesh.'],
  'normals-not-unit': [
    'Normals are not of length 1: they are lit too brightly or too darkly.',
    'Normalise the normals.',
  ],
  'placed-elsewhere': [
    "Vertices lie outside the tile's bounding volume: the mesh stands in the wrong place or is culled while it is seen.",
    'Check the node transform, the turn from z-up to y-up (x, z, -y), and the address of the tile.',
  ],
  'heights-outside': [
    'Vertices lie above or below the heights that the tile states: it is culled while it is seen.',
    'State the least and the greatest height of the mesh as it is drawn, skirts included where they are baked in.',
  ],
  'skirt-inward': ['Skirts face the inside of the tile: cracks show through them.', 'Turn the skirts round.'],
  'skirt-upward': ['Skirts rise above the border that they hang on.', 'Let skirts hang down along the vertical.'],
  'skirt-deep': [
    'Skirts hang deeper than ten times the error of the level: they show as walls from below and spoil heights.',
    'Make skirts as deep as the gap between levels can be, about five times the error.',
  ],
  'edges-missing': [
    'A tile lacks CESIUM_tile_edges, which others of the set have: the terrain provider cannot close its seams.',
    'Write the extension in every tile.',
  ],
  'edge-order': [
    'An edge list of CESIUM_tile_edges does not run round the tile as CesiumJS needs it: skirts face inward.',
    'Order left from south to north, bottom from east to west, right from north to south, top from west to east.',
  ],
  'edges-required': [
    'CESIUM_tile_edges stands in extensionsRequired: clients that do not know it refuse the tile.',
    'List it in extensionsUsed alone.',
  ],
  'terrain-profile': [
    'The tile is not what Cesium3DTilesTerrainProvider reads: it fails or draws it in the wrong place.',
    'Write nodes[0].matrix, unsigned normalised positions, oct-coded normals of 8 bits, and tile metadata inline.',
  ],
  'border-positions-differ': [
    'Two neighbours put the vertices of their common border in different places: a crack.',
    'Take positions on a border from the same vertices in both tiles.',
  ],
  'texture-broken': [
    'A picture in the content is not what its type says, or has no size.',
    'Write whole JPEG, PNG or WebP files, and their type as mimeType.',
  ],
  'texture-turned': [
    'A picture lies mirrored or turned on its tile.',
    "Count texture coordinates from the picture's upper left: u to the east, v to the south.",
  ],
} as const;

export const NOTES_3D = {
  'copyright-missing': [
    'The content names no owner: clients show no attribution.',
    'Write asset.copyright into the glTF; what tileset.json says is shown nowhere.',
  ],
  'content-unjudged': [
    'The content is of a kind that is not judged here.',
    'Nothing must be done; glTF binaries and external tilesets are judged.',
  ],
  'skirt-missing': [
    'The tile has no skirts, and its clients make none: cracks between levels show.',
    'Bake skirts into the content, or stream the set as cesium-terrain.',
  ],
} as const;
