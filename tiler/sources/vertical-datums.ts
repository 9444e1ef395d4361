/**
 * Vertical datums by the codes of EPSG: what people call them, how far they lie from EGM96 (which stands in for one whose
 * grid is not at hand), and which grid of PROJ's collection (cdn.proj.org) serves them.
 */

export interface VerticalDatum {
  /** `egm2008`, `navd88`: what stands in layer.json and what `--vertical-datum` takes. */
  readonly id: string;
  /** For people: `NAVD88 (North America)`. */
  readonly name: string;
  /** Codes of its vertical CRSs (GeoTIFF key 4096). */
  readonly crs: readonly number[];
  /** Codes of the datum itself (key 4098). */
  readonly datums: readonly number[];
  /** Metres by which heights are off, nearly everywhere, when EGM96 is taken in its place. */
  readonly offEgm96Metres: number;
  /** The same in words, with where it is worst. */
  readonly offEgm96: string;
  /** File name of PROJ's grid; undefined when there is none, or several by region. */
  readonly grid?: string | undefined;
}

type Row = readonly [
  id: string,
  name: string,
  crs: readonly number[],
  datums: readonly number[],
  metres: number,
  words: string,
  grid?: string,
];

/** The worldwide models, then countries from north-west to south-east. */
const ROWS: readonly Row[] = [
  ['egm96', 'EGM96 (worldwide geoid)', [5773], [5171], 0, 'nothing'],
  [
    'egm2008',
    'EGM2008 (worldwide geoid)',
    [3855],
    [1027],
    1,
    'mostly within 1 m, some metres in high mountains',
    'us_nga_egm08_25.tif',
  ],
  ['egm84', 'EGM84 (worldwide geoid)', [5798], [5203], 3, 'mostly within 3 m, up to 10 m'],
  [
    'navd88',
    'NAVD88 (North America)',
    [5703, 6360, 8228],
    [5103],
    1.5,
    'up to about 1.5 m, most in the north-west of the United States',
    'us_noaa_g2018u0.tif',
  ],
  [
    'ngvd29',
    'NGVD29 (United States, before 1988)',
    [5702],
    [5102],
    2,
    'up to about 2 m, most in the west of the United States',
  ],
  ['prvd02', 'PRVD02 (Puerto Rico)', [6641], [1123], 1.5, 'up to about 1.5 m', 'us_noaa_g2018p0.tif'],
  ['cgvd2013', 'CGVD2013 (Canada)', [6647, 9245], [1127, 1256], 1, 'mostly within 1 m', 'ca_nrc_CGG2013an83.tif'],
  ['cgvd28', 'CGVD28 (Canada, before 2013)', [5713], [5114], 2, 'up to about 2 m', 'ca_nrc_HT2_2010v70.tif'],
  ['ish2004', 'ISH2004 (Iceland)', [8089], [1190], 1, 'mostly within 1 m', 'is_lmi_Icegeoid_ISN2016.tif'],
  ['odn', 'ODN (Newlyn, Great Britain)', [5701], [5101], 1, 'mostly within 1 m', 'uk_os_OSGM15_GB.tif'],
  ['malin-head', 'Malin Head (Ireland)', [5731], [5130], 1, 'mostly within 1 m', 'uk_os_OSGM15_Malin.tif'],
  ['belfast', 'Belfast (Northern Ireland)', [5732], [5131], 1, 'mostly within 1 m', 'uk_os_OSGM15_Belfast.tif'],
  ['nap', 'NAP (Amsterdam, Netherlands)', [5709], [5109], 0.6, 'within 0.6 m', 'nl_nsgi_nlgeo2018.tif'],
  ['ostend', 'Ostend (Belgium)', [5710], [5110], 2.5, 'about 2.3 m everywhere', 'be_ign_hBG18.tif'],
  [
    'ngf-ign69',
    'NGF-IGN69 (Marseille, France)',
    [5720],
    [5119],
    2.4,
    'mostly within 1 m, up to 2.4 m',
    'fr_ign_RAF20.tif',
  ],
  ['ngf-ign78', 'NGF-IGN78 (Corsica)', [5721], [5120], 2, 'up to about 2 m', 'fr_ign_RAC09.tif'],
  [
    'ln02',
    'LN02 (Switzerland)',
    [5728],
    [5127],
    3,
    'mostly within 2.2 m, up to 3 m in the Alps',
    'ch_swisstopo_chgeo2004_ETRS89_LN02.tif',
  ],
  [
    'lhn95',
    'LHN95 (Switzerland)',
    [5729],
    [5128],
    3,
    'mostly within 2 m, up to 3 m in the Alps',
    'ch_swisstopo_chgeo2004_ETRS89_LHN95.tif',
  ],
  ['dhhn2016', 'DHHN2016 (Germany)', [7837], [1170], 1, 'mostly within 1 m', 'de_bkg_gcg2016.tif'],
  ['dhhn92', 'DHHN92 (Germany, before 2016)', [5783], [5181], 1, 'mostly within 1 m', 'de_bkg_gcg2016.tif'],
  ['gha', 'GHA (Trieste, Austria)', [5778], [5176], 3, 'up to about 3 m in the Alps'],
  ['dvr90', 'DVR90 (Denmark)', [5799], [5206], 1, 'mostly within 1 m', 'dk_sdfe_dvr90.tif'],
  ['rh2000', 'RH2000 (Sweden)', [5613], [5208], 1, 'mostly within 1 m', 'se_lantmateriet_SWEN17_RH2000.tif'],
  ['nn2000', 'NN2000 (Norway)', [5941], [1096], 1, 'mostly within 1 m', 'no_kv_HREF2018B_NN2000_EUREF89.tif'],
  ['nn54', 'NN54 (Norway, before 2000)', [5776], [5174], 1, 'mostly within 1 m', 'no_kv_href2008a.tif'],
  ['n2000', 'N2000 (Finland)', [3900], [1030], 1, 'mostly within 1 m'],
  ['n60', 'N60 (Finland, before 2000)', [5717], [5116], 1.5, 'up to about 1.5 m'],
  ['evrf2000', 'EVRF2000 (Europe)', [5730, 9274], [5129, 1261], 2, 'mostly within 1 m, more in the Alps'],
  ['evrf2007', 'EVRF2007 (Europe)', [5621, 9651], [5215, 1297], 2, 'mostly within 1 m, more in the Alps'],
  ['evrf2019', 'EVRF2019 (Europe)', [9389], [1274], 2, 'mostly within 1 m, more in the Alps'],
  ['baltic77', 'Baltic 1977 (Kronstadt)', [5705], [5105], 1.5, 'up to about 1.5 m'],
  [
    'baltic86',
    'Kronstadt 86 (Poland)',
    [9650],
    [1296],
    1.5,
    'up to about 1.5 m',
    'pl_gugik_geoid2011-PL-KRON86-NH.tif',
  ],
  ['alicante', 'Alicante (Spain)', [5782], [5180], 1, 'mostly within 1 m', 'es_ign_egm08-rednap.tif'],
  ['cascais', 'Cascais (Portugal)', [5780], [5178], 1, 'mostly within 1 m'],
  ['genoa42', 'Genoa 1942 (Italy)', [5214], [1051], 3, 'mostly within 1 m, more in the Alps'],
  [
    'sa-lld',
    'Land Levelling Datum (South Africa)',
    [9279],
    [1262],
    1.5,
    'up to about 1.5 m',
    'za_cdngi_sageoid2010.tif',
  ],
  ['yellow-sea-1985', 'Yellow Sea 1985 (China)', [5737], [5137], 2, 'up to about 2 m'],
  ['incheon', 'Incheon (South Korea)', [5193], [1049], 1, 'mostly within 1 m'],
  ['jgd2011', 'JGD2011 (Tokyo Bay, Japan)', [6695], [1131], 1.5, 'up to about 1.5 m', 'jp_gsi_gsigeo2011.tif'],
  ['ahd', 'AHD (Australia)', [5711], [5111], 1.5, 'up to about 1.5 m', 'au_ga_AUSGeoid2020_20180201.tif'],
  ['ahd-tasmania', 'AHD (Tasmania)', [5712], [5112], 1.5, 'up to about 1.5 m', 'au_ga_AUSGeoid09_V1.01.tif'],
  ['nzvd2016', 'NZVD2016 (New Zealand)', [7839], [1169], 1, 'mostly within 1 m', 'nz_linz_nzgeoid2016.tif'],
  ['nzvd2009', 'NZVD2009 (New Zealand)', [4440], [1039], 1, 'mostly within 1 m', 'nz_linz_nzgeoid2009.tif'],
];

export const VERTICAL_DATUMS: readonly VerticalDatum[] = ROWS.map(
  ([id, name, crs, datums, offEgm96Metres, offEgm96, grid]) => ({
    id,
    name,
    crs,
    datums,
    offEgm96Metres,
    offEgm96,
    grid,
  }),
);

/** Of a datum that is not in the table: most lie within this of a worldwide geoid. */
const UNKNOWN_METRES = 3;

/** Mean sea level, by which geoid is not said (EPSG 5714, in feet 8050 and 8052; datum 5100). */
export const MEAN_SEA_LEVEL: readonly number[] = [5714, 8050, 8052];
export const MEAN_SEA_LEVEL_DATUM = 5100;

/** Vertical CRSs of EPSG that count downwards. */
export const DEPTH_CODES: ReadonlySet<number> = new Set([
  5336, 5612, 5614, 5706, 5715, 5734, 5739, 5789, 5831, 5861, 5862, 5863, 5864, 5865, 5866, 5867, 5873, 6357, 6358,
  6359, 7976, 8051, 8053, 8358, 8378, 8897, 9287, 9288, 9672,
]);

/**
 * Geographic CRSs of EPSG with three axes, whose heights are above an ellipsoid that is WGS 84's to the millimetre; and
 * two of the ellipsoid codes of GeoTIFF 1.0, 5019 (GRS 1980) and 5030 (WGS 84).
 */
const ELLIPSOIDAL: ReadonlySet<number> = new Set([
  5019, 5030, 4080, 4327, 4883, 4885, 4887, 4889, 4891, 4893, 4895, 4898, 4900, 4907, 4909, 4921, 4923, 4925, 4927,
  4929, 4931, 4933, 4935, 4937, 4939, 4941, 4943, 4945, 4947, 4949, 4951, 4953, 4955, 4957, 4959, 4961, 4963, 4965,
  4967, 4969, 4971, 4973, 4975, 4977, 4979, 4981, 4983, 4985, 4987, 4989, 4991, 4993, 4995, 4997, 4999, 5012, 5323,
  5342, 5353, 5359, 5364, 5370, 5372, 5380, 5392, 5488, 5545, 5592, 5885, 6134, 6310, 6319, 6321, 6324, 6364, 6667,
  6705, 6782, 6979, 6982, 6986, 6989, 7034, 7036, 7038, 7040, 7042, 7072, 7085, 7087, 7135, 7138, 7372, 7657, 7659,
  7661, 7663, 7665, 7678, 7680, 7682, 7685, 7797, 7816, 7843, 7880, 7885, 7900, 7901, 7902, 7903, 7904, 7905, 7906,
  7907, 7908, 7909, 7910, 7911, 7912, 7915, 7917, 7919, 7921, 7923, 7925, 7927, 7929, 7931, 8085, 8231, 8235, 8239,
  8244, 8248, 8251, 8254, 8399, 8403, 8426, 8430, 8542, 8544, 9776, 9778, 9781, 9783, 9989,
]);

/** Whether heights in this CRS are above the ellipsoid. */
export function isEllipsoidal(code: number): boolean {
  return ELLIPSOIDAL.has(code);
}

/** GeoTIFF 1.0's codes for heights above an ellipsoid, of which only two are WGS 84's. */
export function isOtherEllipsoid(code: number): boolean {
  return code >= 5001 && code <= 5033 && !ELLIPSOIDAL.has(code);
}

/** The datum of a vertical CRS; undefined when the table does not know it. */
export function datumOfCrs(code: number): VerticalDatum | undefined {
  // GeoTIFF 1.0 numbered a few datums where EPSG numbers CRSs.
  return VERTICAL_DATUMS.find(({ crs }) => crs.includes(code)) ?? (LEGACY.has(code) ? datumOfCode(code) : undefined);
}

const LEGACY: ReadonlySet<number> = new Set([5101, 5102, 5103, 5105, 5171]);

/** The datum of a datum's own code. */
export function datumOfCode(code: number): VerticalDatum | undefined {
  return VERTICAL_DATUMS.find(({ datums }) => datums.includes(code));
}

/** The datum that a text names: `navd88`, `EGM2008`, `EPSG:5703`; undefined when it names none. */
export function datumOfText(text: string): VerticalDatum | undefined {
  const code = /^\s*epsg:(\d{1,6})\s*$/i.exec(text)?.[1];
  if (code !== undefined) return datumOfCrs(Number(code));
  const plain = plainOf(text);
  return VERTICAL_DATUMS.find(({ id }) => plainOf(id) === plain);
}

/** The datum by the name that a citation or WKT gives it: `NAVD88 height (ftUS)`, `EGM2008_Geoid`. */
export function datumOfCitation(text: string): VerticalDatum | undefined {
  const plain = plainOf(text).replace('egm08', 'egm2008');
  return VERTICAL_DATUMS.find(({ id }) => /\d/.test(id) && plain.includes(plainOf(id)));
}

function plainOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** How far heights in a datum are off where EGM96 stands in for it. */
export function standInError(id: string): { readonly metres: number; readonly words: string } {
  const datum = VERTICAL_DATUMS.find((known) => known.id === id);
  return datum
    ? { metres: datum.offEgm96Metres, words: datum.offEgm96 }
    : { metres: UNKNOWN_METRES, words: 'unknown, for most datums within 3 m' };
}

/** `NAVD88 (North America)`; the id itself for one that the table does not know. */
export function datumName(id: string): string {
  if (id === 'ellipsoid') return 'WGS 84 ellipsoid';
  const code = /^epsg:(\d+)$/.exec(id)?.[1];
  return VERTICAL_DATUMS.find((known) => known.id === id)?.name ?? (code ? `vertical CRS EPSG:${code}` : id);
}

/** The file of PROJ's collection that serves a datum. */
export function gridOf(id: string): string | undefined {
  return VERTICAL_DATUMS.find((known) => known.id === id)?.grid;
}
