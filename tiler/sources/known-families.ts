/** Elevation products that everybody has and whose files seldom say what their heights are above: known by file name. */
import type { VerticalReference } from './raster-source.ts';
import { datumName } from './vertical-datums.ts';

interface Family {
  readonly names: RegExp;
  readonly datum: string;
  /** The product; undefined where the name speaks of heights and not of a product. */
  readonly product?: string;
}

/** A word between the marks that file names are made of. */
function word(text: string): RegExp {
  return new RegExp(`(^|[^a-z0-9])(${text})([^a-z0-9]|$)`, 'i');
}

/** Datums as the products' guides give them. The first that fits counts; what a name says of itself goes first. */
const FAMILIES: readonly Family[] = [
  { names: word('ellips|ellipsoid|ellipsoidal|ellh|hae'), datum: 'ellipsoid' },
  {
    names: /copernicus_dsm|(^|[^a-z0-9])(cop|copernicus)?[-_]?glo[-_]?(10|30|90)(?![0-9])/i,
    datum: 'egm2008',
    product: 'the Copernicus DEM',
  },
  { names: /(^|[^a-z])fabdem/i, datum: 'egm2008', product: 'FABDEM' },
  { names: /(^|[^a-z])nasadem/i, datum: 'egm96', product: 'NASADEM' },
  { names: /(^|[^a-z])srtm|[ns]\d{2}_[ew]\d{3}_[13]arc_v\d/i, datum: 'egm96', product: 'SRTM' },
  { names: /astgtm|aster[-_ ]?g?dem/i, datum: 'egm96', product: 'ASTER GDEM' },
  { names: /alpsmlc30|aw3d|[ns]\d{3}[ew]\d{3}_ave_dsm/i, datum: 'egm96', product: 'ALOS World 3D' },
  { names: word('merit([-_]?(dem|hydro))?'), datum: 'egm96', product: 'MERIT DEM' },
  { names: /arcticdem|^setsm_/i, datum: 'ellipsoid', product: 'ArcticDEM' },
  { names: /(^|[^a-z])rema(?![a-z])/i, datum: 'ellipsoid', product: 'REMA' },
  { names: /tdm1_e?dem|tandem[-_ ]?x/i, datum: 'ellipsoid', product: 'TanDEM-X' },
  { names: /^usgs_(13|1|one_meter|ned|nedm)(_|\b)/i, datum: 'navd88', product: 'USGS 3DEP' },
];

/** With what the file's name tells where the file itself tells nothing; the reference as it was when neither does. */
export function recogniseFamily(found: VerticalReference, file: string): VerticalReference {
  const family = FAMILIES.find(({ names }) => names.test(file));
  if (family === undefined) return found;
  const { datum, product } = family;
  if (found.known === 'option') return found.fileSays === undefined ? { ...found, fileSays: datum } : found;
  if (found.known !== 'assumed') return found;
  const because = product
    ? `By its name, ${file} is ${product}, whose heights are above ${datum === 'ellipsoid' ? 'the ' : ''}${datumName(datum)}.`
    : `By its own name, ${file} has heights above the ellipsoid.`;
  return { ...found, datum, known: 'format', because };
}
