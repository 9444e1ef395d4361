/**
 * What a user can choose about the tiles of a layer, once: types, ranges, units and sentences. Command-line flags, their
 * help and the README's table are derived from here; unknown keys are refused.
 */
import { z } from 'zod';
import { EXTENSION_NAMES, type ExtensionName } from '../encode/extension-name.ts';
import { GLB_PROFILES } from '../encode/terrain-glb.ts';
import { RelievoError } from '../error.ts';
import { SCHEME_IDS } from '../geo/tiling-scheme.ts';

/** The deepest level that tiles are made for: 1 mm between posts. */
export const DEEPEST_LEVEL = 24;

/** Those that need nothing but their name; `watermask` comes with `--water`. */
const CHOOSABLE_EXTENSIONS = EXTENSION_NAMES.filter((name) => name !== 'watermask');

/** Everything that changes the bytes of a tile. */
export const tileOptionsSchema = z.strictObject({
  maxZoom: z
    .int()
    .min(0)
    .max(DEEPEST_LEVEL)
    .optional()
    .describe("Deepest level to make; by default the source's native one, where posts are as dense as its samples"),
  minZoom: z
    .int()
    .min(0)
    .max(DEEPEST_LEVEL)
    .default(0)
    .describe('First level with relief; the levels before it are made without, because clients pass through them'),
  scheme: z
    .enum(SCHEME_IDS)
    .default('geographic')
    .describe('Tiling: geographic (EPSG:4326), or web-mercator (EPSG:3857), which has no tiles beyond 85.05 degrees'),
  extensions: z
    .array(z.enum(CHOOSABLE_EXTENSIONS as [ExtensionName, ...ExtensionName[]]))
    .default(['octvertexnormals'])
    .describe(`Extensions that the tiles carry, comma-separated (${CHOOSABLE_EXTENSIONS.join(',')}), or none`),
  water: z
    .array(z.string().min(1))
    .default([])
    .meta({ repeated: true })
    .describe(
      'Water masks (extension watermask) from natural-earth (built in), a file of water polygons, land:FILE of land polygons, a raster whose samples are not 0 on water, or dem (flat ground exactly at sea level); may be given several times, the first that knows decides',
    ),
  maxErrorFactor: z
    .number()
    .min(0.05)
    .max(10)
    .default(1)
    .describe(
      "How far source samples may lie from the drawn surface, at every level, as a share of what clients assume of it; 1 is the clients' own bound; levels 0 to 8 are meshed closer to their posts, to a quarter of that",
    ),
  verticalDatum: z
    .string()
    .min(1)
    .optional()
    .describe('What the heights are above: ellipsoid, egm96, another datum, or a geoid grid (GeoTIFF, GTX, PGM)'),
  verticalUnit: z
    .string()
    .min(1)
    .optional()
    .describe('Unit of the heights: metre, foot, us-foot, or metres in one unit; by default what the file says'),
  sourceCrs: z
    .string()
    .min(1)
    .optional()
    .describe('CRS of the source instead of what its file says: EPSG:code, a proj4 string, WKT, or a .prj file'),
  crsGrids: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Horizontal datum grids, comma-separated (NTv2 .gsb, or GeoTIFF in the layout of PROJ), that the CRS needs',
    ),
  bounds: z
    .string()
    .regex(/^\s*-?[\d.eE+-]+(\s*,\s*-?[\d.eE+-]+){3}\s*$/, 'expected west,south,east,north')
    .optional()
    .describe('Outer edges WEST,SOUTH,EAST,NORTH, in units of the CRS, of a file that does not say where it lies'),
  range: z
    .string()
    .regex(/^\s*-?[\d.eE+-]+\s*,\s*-?[\d.eE+-]+\s*$/, 'expected min,max')
    .optional()
    .describe('Heights MIN,MAX that the darkest and the brightest value of an elevation picture stand for'),
  rawLayout: z
    .string()
    .min(1)
    .optional()
    .describe('Layout of a headerless file: COLUMNSxROWS:TYPE[:little|big][:SKIP], such as 3601x3601:int16:big'),
  nodata: z.number().optional().describe('Value that stands for missing samples, beside what the file says'),
  heightEncoding: z
    .enum(['terrain-rgb', 'terrarium'])
    .optional()
    .describe('How the tiles of a picture tree hold heights; by default what their metadata say'),
  outside: z
    .enum(['base', 'sea-level', 'ellipsoid'])
    .default('base')
    .describe('Surface where there are no data: the bundled relief of the world, mean sea level, or the ellipsoid'),
  maxFill: z
    .int()
    .min(0)
    .max(512)
    .default(32)
    .describe('Widest void, in samples, that is filled from its rim; wider ones blend into what lies below or outside'),
  clip: z
    .string()
    .min(1)
    .optional()
    .describe('GeoJSON file of polygons: only what lies inside them is used of all sources'),
  flatten: z
    .array(z.string().min(1))
    .default([])
    .meta({ repeated: true })
    .describe(
      'Areas in which the ground is level: FILE.geojson, FILE.geojson:METRES above sea level, or FILE.geojson:METRES:ellipsoid; without a height that of the ground along the outline; may be given several times, later ones on top',
    ),
  flattenFeather: z
    .number()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Metres round a flattened area over which it runs into the ground; by default 4 samples'),
  prepare: z
    .boolean()
    .default(true)
    .describe('Make overviews of the sources before the first tile, but use those that the files bring'),
  allow: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Folders and addresses (beginnings of URLs), comma-separated, that VRTs and tile indexes may refer to, beside their own folder',
    ),
  strict: z.boolean().default(false).describe('Refuse to assume a vertical datum'),
});
export type TileOptions = z.output<typeof tileOptionsSchema>;

/** Those of them that say how sources are to be understood, for commands that make no tiles. */
export const sourceOptionsSchema = tileOptionsSchema.pick({
  verticalDatum: true,
  verticalUnit: true,
  sourceCrs: true,
  crsGrids: true,
  bounds: true,
  range: true,
  rawLayout: true,
  nodata: true,
  heightEncoding: true,
  outside: true,
  maxFill: true,
  clip: true,
  flatten: true,
  flattenFeather: true,
  allow: true,
  strict: true,
});

/** What a layer is called and whom it is owed to; changes no tile. */
export const labelOptionsSchema = z.strictObject({
  title: z.string().min(1).optional().describe('Name of the layer for people'),
  attribution: z.string().optional().describe("Whom the data are owed to; by default the source's own words"),
});
export type LabelOptions = z.output<typeof labelOptionsSchema>;

/** What `relievo build` makes of the tiles. */
export const formatOptionsSchema = z.strictObject({
  format: z
    .enum(['quantized-mesh', '3dtiles'])
    .default('quantized-mesh')
    .describe('What clients get: quantized-mesh terrain, or 3D Tiles 1.1 with a GLB for each tile'),
  profile: z
    .enum(GLB_PROFILES)
    .optional()
    .describe(
      "Which clients 3D Tiles are for: standard (any of 3D Tiles 1.1), cesium-terrain (CesiumJS's Cesium3DTilesTerrainProvider) or gis (QGIS and older clients); by default standard",
    ),
  texture: z
    .array(z.string().min(1))
    .default([])
    .meta({ repeated: true })
    .describe(
      'Picture that is draped over 3D Tiles, such as an orthophoto; may be given several times, the first on top',
    ),
  textureCrs: z
    .string()
    .min(1)
    .optional()
    .describe('CRS of the pictures instead of what their files say: EPSG:code, a proj4 string, WKT, or a .prj file'),
  textureFormat: z.enum(['jpeg', 'webp']).optional().describe('How pictures are packed into 3D Tiles; by default jpeg'),
});
export type FormatOptions = z.output<typeof formatOptionsSchema>;

/**
 * Fails with one sentence for each choice that has no meaning beside the others. `flagOf` says what an option is called
 * where it was typed.
 */
export function checkFormat(
  options: FormatOptions & Pick<TileOptions, 'scheme' | 'water' | 'extensions'>,
  out: string,
  flagOf = (key: string) => key,
): void {
  const { format, profile, texture, textureCrs, textureFormat, scheme, water, extensions } = options;
  const tiles3d = `${flagOf('format')} 3dtiles`;
  const isArchive = /(\.3tz|\.3dtiles\.zip)$/i.test(out);
  const faults: readonly (string | false)[] =
    format === '3dtiles'
      ? [
          scheme !== 'geographic' &&
            `${tiles3d} has tiles of longitude and latitude only: leave ${flagOf('scheme')} ${scheme} out`,
          water.length > 0 && `${tiles3d} carries no water masks: leave ${flagOf('water')} out`,
          extensions.join() !== 'octvertexnormals' &&
            `${flagOf('extensions')} belongs to quantized-mesh, and ${tiles3d} always has normals: leave it out`,
          texture.length > 0 &&
            profile === 'cesium-terrain' &&
            `${flagOf('profile')} cesium-terrain takes no pictures, because its client drapes imagery of its own: leave ${flagOf('texture')} out, or choose another profile`,
          texture.length > 0 &&
            profile === 'gis' &&
            textureFormat === 'webp' &&
            `${flagOf('profile')} gis has no WebP, because its clients cannot read it: leave ${flagOf('textureFormat')} out, or choose another profile`,
          texture.length === 0 && textureCrs !== undefined && `${flagOf('textureCrs')} needs ${flagOf('texture')}`,
          texture.length === 0 &&
            textureFormat !== undefined &&
            `${flagOf('textureFormat')} needs ${flagOf('texture')}`,
        ]
      : [
          profile !== undefined && `${flagOf('profile')} ${profile} needs ${tiles3d}`,
          texture.length > 0 && `${flagOf('texture')} needs ${tiles3d}`,
          textureCrs !== undefined && `${flagOf('textureCrs')} needs ${tiles3d} and ${flagOf('texture')}`,
          textureFormat !== undefined && `${flagOf('textureFormat')} needs ${tiles3d} and ${flagOf('texture')}`,
          isArchive && `an archive (${out}) holds 3D Tiles: add ${tiles3d}, or name a folder`,
        ];
  const found = faults.filter((fault) => fault !== false);
  if (found.length > 0) throw new RelievoError('usage', found.join('; '));
}

/** What else `relievo build` takes. */
export const buildOptionsSchema = z.strictObject({
  ...formatOptionsSchema.shape,
  ...tileOptionsSchema.shape,
  ...labelOptionsSchema.shape,
  cache: z
    .string()
    .min(1)
    .optional()
    .describe('Folder where what is prepared from sources is kept; by default $RELIEVO_CACHE, else ~/.cache/relievo'),
  threads: z.int().min(1).max(256).optional().describe('Worker threads; by default one for each processor'),
  measure: z
    .boolean()
    .default(true)
    .describe('Hold the tiles against chosen samples of the sources, for p99 and RMS in quality.json'),
  exact: z
    .boolean()
    .default(false)
    .describe('Hold the tiles of every level against all samples of the sources instead, which takes long'),
});

/** Checked options with defaults; fails with one sentence for each value that does not fit. */
export function parseOptions<T extends z.ZodType>(
  schema: T,
  values: unknown,
  flagOf = (key: string) => key,
): z.output<T> {
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const sentences = result.error.issues.map((issue) => {
    const value = issue.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      values,
    );
    const key = String(issue.path[0] ?? '');
    const hint = key === 'extensions' && value === 'watermask' ? ` (water masks come by ${flagOf('water')})` : '';
    return `${flagOf(key)} ${expectation(issue)}, not ${JSON.stringify(value) ?? 'nothing'}${hint}`;
  });
  throw new RelievoError('usage', sentences.join('; '));
}

/** What an option must be, for the end of a sentence that begins with its name. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'invalid_value':
      return `must be ${issue.values.join(' or ')}`;
    case 'invalid_type':
      return `must be a ${issue.expected === 'int' ? 'whole number' : issue.expected}`;
    case 'unrecognized_keys':
      return `has unknown keys ${issue.keys.join(', ')}`;
    default:
      return `is no good: ${issue.message}`;
  }
}
