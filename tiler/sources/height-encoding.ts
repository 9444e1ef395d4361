/** Heights written as colours: Terrain-RGB (Mapbox) and Terrarium (tilezen/joerd, docs/formats.md), in metres above sea level. */

export const HEIGHT_ENCODINGS = ['terrain-rgb', 'terrarium'] as const;
export type HeightEncoding = (typeof HEIGHT_ENCODINGS)[number];

/** Metres of a colour of 0..255 a channel. Black, which no place on Earth has in either, is NaN: no data. */
export function heightOfColour(encoding: HeightEncoding, red: number, green: number, blue: number): number {
  const code = red * 65536 + green * 256 + blue;
  if (code === 0) return Number.NaN;
  return encoding === 'terrarium' ? code / 256 - 32768 : code / 10 - 10000;
}

/** The encoding that metadata name (TileJSON calls Terrain-RGB `mapbox`); undefined for other words. */
export function encodingByName(name: unknown): HeightEncoding | undefined {
  if (typeof name !== 'string') return undefined;
  const word = name.toLowerCase().replace(/[^a-z]/g, '');
  if (word === 'terrarium') return 'terrarium';
  return ['mapbox', 'terrainrgb', 'mapboxterrainrgb', 'rgbterrain'].includes(word) ? 'terrain-rgb' : undefined;
}
