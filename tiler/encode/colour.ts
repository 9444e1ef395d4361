/** Colours of terrain: sRGB (IEC 61966-2-1) as pictures have it, light as glTF's factors do. */

/** sRGB, 0 to 255 each. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Of terrain without a picture. */
export const NEUTRAL_COLOUR: Colour = [207, 203, 194];

/** Shares of the light from 0 to 1, to a hundredth. */
export function linearOf(colour: Colour): number[] {
  return colour.map((value) => {
    const share = value / 255;
    const light = share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    return Math.round(100 * light) / 100;
  });
}
