/**
 * Samples of a TIFF file as colours (TIFF 6.0 section 3 to 8; GDAL's nodata): which bands are red, green, blue and opacity,
 * what a palette says, and how more than 8 bits become 8.
 */
import { RelievoError } from '../error.ts';
import { packColour } from './picture-source.ts';
import type { Samples } from './tiff-blocks.ts';
import { ColourTag, Compression, Tag, type TiffImage } from './tiff-header.ts';

/** One band of some pixels: `samples[at + i * stride]`. */
export interface BandSamples {
  readonly samples: Samples;
  readonly stride: number;
  readonly at: number;
}

export interface ColourRule {
  /** Bands of red, green and blue; of grey and of a palette three times the same. */
  readonly bands: readonly [red: number, green: number, blue: number];
  readonly opacity: number | undefined;
  /** Colours are stored multiplied by opacity. */
  readonly associated: boolean;
  /** Colours by number, as words; undefined where there is no palette. */
  readonly palette: Uint32Array | undefined;
  /** A pixel all of whose colours have this value is not there. */
  readonly nodata: number | undefined;
  /** Values that become 0 and 255; what lies between, linearly. */
  readonly low: number;
  readonly high: number;
}

const Photometric = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, yCbCr: 6 } as const;
const JPEG = 7;

/** Refuses with `input-unsupported` what is no picture of 8 or 16 bits. The range of 16 bits is left to be found. */
export function colourRuleOf(image: TiffImage, nodata: number | undefined, where: string): ColourRule {
  const { directory, bands, bits, sampleType } = image;
  const photometric = directory.numbers(Tag.photometric)?.[0] ?? Photometric.blackIsZero;
  if (sampleType !== 'uint8' && sampleType !== 'uint16') {
    throw unsupported(
      where,
      `its samples are of type ${sampleType ?? 'bit'}; a picture has 8 or 16 bits without sign`,
      'convert it with gdal_translate -ot Byte -scale',
    );
  }
  if (image.compression === Compression.lerc) throw unsupported(where, 'its compression is LERC', REWRITE);
  const isJpegYCbCr = photometric === Photometric.yCbCr && image.compression === JPEG;
  if (photometric > Photometric.palette && !isJpegYCbCr) {
    throw unsupported(where, `its colours are of kind ${photometric} (photometric interpretation)`, REWRITE);
  }
  const extra = directory.numbers(ColourTag.extraSamples) ?? new Float64Array(0);
  const colours = bands - extra.length >= 3 || (photometric === Photometric.rgb && bands >= 3) ? 3 : 1;
  const found = extra.findIndex((kind) => kind === 1 || kind === 2);
  const opacity = found < 0 ? undefined : bands - extra.length + found;
  const white = bits === 8 ? 255 : 65535;
  const isReversed = photometric === Photometric.whiteIsZero;
  return {
    bands: colours === 3 ? [0, 1, 2] : [0, 0, 0],
    opacity,
    associated: found >= 0 && extra[found] === 1,
    palette: photometric === Photometric.palette ? readPalette(image, where) : undefined,
    nodata,
    low: isReversed ? white : 0,
    high: isReversed ? 0 : white,
  };
}

/** `bands` by their number. */
export function paint(bands: readonly (BandSamples | undefined)[], count: number, rule: ColourRule): Uint32Array {
  const [red, green, blue] = rule.bands.map((band) => bands[band]);
  if (red === undefined || green === undefined || blue === undefined) throw new RangeError('a band has no samples');
  const opacity = rule.opacity === undefined ? undefined : bands[rule.opacity];
  const { low, high, nodata, palette } = rule;
  const scale = 255 / (high - low);
  const eightBits = opacity?.samples instanceof Uint8Array;
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const r = red.samples[red.at + i * red.stride];
    const g = green.samples[green.at + i * green.stride];
    const b = blue.samples[blue.at + i * blue.stride];
    if (r === nodata && g === nodata && b === nodata) continue;
    const alpha = opacity === undefined ? 255 : opacity.samples[opacity.at + i * opacity.stride];
    if (alpha === 0) continue;
    if (palette !== undefined) {
      out[i] = palette[r] ?? 0;
      continue;
    }
    // Opacity of 16 bits is written in many ranges: whatever is not 0 is seen.
    const seen = eightBits ? alpha : 255;
    const by = rule.associated ? (scale * 255) / seen : scale;
    out[i] = packColour(toByte((r - low) * by), toByte((g - low) * by), toByte((b - low) * by), seen);
  }
  return out;
}

/** Share of the values at either end of a picture of 16 bits that become black and white. */
const TAIL = 0.02;

/** The rule with the range that the 2nd to the 98th percentile of all colours, taken together, span; voids are left out. */
export function stretched(rule: ColourRule, histogram: Float64Array): ColourRule {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return rule;
  let [seen, low] = [0, -1];
  let high = 0;
  for (let value = 0; value < histogram.length; value++) {
    seen += histogram[value];
    if (low < 0 && seen > total * TAIL) low = value;
    if (seen >= total * (1 - TAIL)) {
      high = value;
      break;
    }
  }
  const range = [low, Math.max(high, low + 1)];
  return rule.low < rule.high ? { ...rule, low: range[0], high: range[1] } : { ...rule, low: range[1], high: range[0] };
}

/** Counts the values of colours that are seen, in the first `columns` of each of `rows` rows that are `width` long. */
export function countValues(
  histogram: Float64Array,
  bands: readonly (BandSamples | undefined)[],
  { columns, rows, width }: { readonly columns: number; readonly rows: number; readonly width: number },
  rule: ColourRule,
): void {
  const opacity = rule.opacity === undefined ? undefined : bands[rule.opacity];
  const colours = [...new Set(rule.bands)].flatMap((band) => bands[band] ?? []);
  const valueIn = ({ samples, at, stride }: BandSamples, i: number) => samples[at + i * stride];
  for (let row = 0; row < rows; row++) {
    for (let i = row * width; i < row * width + columns; i++) {
      if (opacity !== undefined && valueIn(opacity, i) === 0) continue;
      if (colours.every((band) => valueIn(band, i) === rule.nodata)) continue;
      for (const band of colours) histogram[valueIn(band, i)]++;
    }
  }
}

function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
}

function readPalette({ directory, bits }: TiffImage, where: string): Uint32Array {
  const map = directory.numbers(ColourTag.colourMap);
  const count = 2 ** bits;
  if (map === undefined || map.length < 3 * count) {
    throw new RelievoError(
      'input-invalid',
      `${where} has a palette of ${map?.length ?? 0} values; expected ${3 * count}.`,
      {
        where,
      },
    );
  }
  // Some write 8 bits where 16 belong.
  const unit = map.every((value) => value <= 255) ? 1 : 257;
  return Uint32Array.from({ length: count }, (_, i) =>
    packColour(toByte(map[i] / unit), toByte(map[count + i] / unit), toByte(map[2 * count + i] / unit), 255),
  );
}

const REWRITE = 'rewrite it with gdal_translate -of COG';

function unsupported(where: string, what: string, remedy: string): RelievoError {
  return new RelievoError('input-unsupported', `${where} cannot be used as a picture: ${what}; ${remedy}.`, { where });
}
