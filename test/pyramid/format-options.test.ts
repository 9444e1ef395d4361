import { expect, it } from 'vitest';
import { buildOptionsSchema, checkFormat, parseOptions } from '../../tiler/pyramid/options.ts';

const sentencesOf = (typed: object, out = 'folder'): string => {
  try {
    checkFormat(parseOptions(buildOptionsSchema, typed), out, (key) => `--${key}`);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

it.each<[typed: object, out: string, sentence: RegExp]>([
  [{ profile: 'gis' }, 'x', /^--profile gis needs --format 3dtiles$/],
  [{ texture: ['a.tif'], textureFormat: 'webp' }, 'x', /^--texture needs .*; --textureFormat needs .* and --texture$/],
  [{}, 'x.3tz', /^an archive \(x\.3tz\) holds 3D Tiles: add --format 3dtiles, or name a folder$/],
  [{ format: '3dtiles', scheme: 'web-mercator' }, 'x', /leave --scheme web-mercator out$/],
  [{ format: '3dtiles', water: ['dem'] }, 'x', /^--format 3dtiles carries no water masks: leave --water out$/],
  [{ format: '3dtiles', extensions: [] }, 'x', /^--extensions belongs to quantized-mesh/],
  [{ format: '3dtiles', profile: 'cesium-terrain', texture: ['a.tif'] }, 'x', /takes no pictures/],
  [{ format: '3dtiles', profile: 'gis', texture: ['a.tif'], textureFormat: 'webp' }, 'x', /^--profile gis has no WebP/],
  [{ format: '3dtiles', textureCrs: 'EPSG:2056' }, 'x', /^--textureCrs needs --texture$/],
])('refuses %j to %s', (typed, out, sentence) => {
  expect(sentencesOf(typed, out)).toMatch(sentence);
});

it.each<[typed: object, out: string]>([
  [{}, 'x'],
  [{ format: '3dtiles' }, 'x.3tz'],
  [{ format: '3dtiles', profile: 'gis', texture: ['a.tif', 'b.tif'], textureCrs: 'EPSG:2056' }, 'x.3dtiles.zip'],
])('takes %j to %s', (typed, out) => {
  expect(sentencesOf(typed, out)).toBe('');
});
