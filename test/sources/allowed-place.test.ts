import { describe, expect, it } from 'vitest';
import { resolveReference } from '../../tiler/sources/allowed-place.ts';

const INDEX = 's3://dem/höhen 1/all.vrt';

describe('resolveReference, for objects', () => {
  it.each([
    ['a b.tif', 's3://dem/höhen 1/a b.tif'],
    ['./köln/50%25 #1?.tif', 's3://dem/höhen 1/köln/50%25 #1?.tif'],
    ['x/../y//z.tif', 's3://dem/höhen 1/y//z.tif'],
    ['s3://dem/höhen 1/ä.tif', 's3://dem/höhen 1/ä.tif'],
    ['/vsis3/dem/höhen 1/ä.tif', 's3://dem/höhen 1/ä.tif'],
    ['/vsis3/dem/aus lage/ä.tif', 's3://dem/aus lage/ä.tif'],
    ['../aus lage/ä.tif', 's3://dem/aus lage/ä.tif'],
    ['/aus lage/ä.tif', 's3://dem/aus lage/ä.tif'],
  ])('takes the letters of %s as they are written', (name, key) => {
    expect(resolveReference(name, { path: INDEX, allow: ['s3://dem/aus lage'] })).toBe(key);
  });

  it.each([
    '../other/a.tif',
    '../höhen 10/a.tif',
    '../../../dem2/a.tif',
    '/a.tif',
    's3://dem/höhen 1/../a.tif',
    's3://dem/h%C3%B6hen 1/a.tif',
    's3://dem2/höhen 1/a.tif',
    's3:///a.tif',
    'https://dem/höhen 1/a.tif',
  ])('does not go to %s', (name) => {
    expect(() => resolveReference(name, { path: INDEX, allow: ['s3://dem/aus lage'] })).toThrow(/--allow|plain/);
  });
});
