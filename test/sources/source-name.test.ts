import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { absoluteName, baseName, isRemoteName, shownName } from '../../tiler/sources/source-name.ts';

describe('names of sources', () => {
  it('tells addresses from paths', () => {
    for (const name of ['https://host/dem.tif', 'HTTP://host/dem.tif', 's3://bucket/key.tif']) {
      expect(isRemoteName(name)).toBe(true);
      expect(absoluteName(name)).toBe(name);
    }
    for (const name of ['dem.tif', './https:/host', 'file://dem.tif', 'C:/dem.tif', '/https://']) {
      expect(isRemoteName(name)).toBe(false);
      expect(absoluteName(name)).toBe(resolve(name));
    }
  });

  it.each([
    ['https://me:secret@host/a/dem.tif', 'https://host/a/dem.tif'],
    ['https://me:se/cret@host/dem.tif', 'https://...'],
    ['https://host/a/dem.tif#secret', 'https://host/a/dem.tif'],
    ['https://me@host:8080/dem.tif?', 'https://host:8080/dem.tif'],
    ['https://me:pass@word@host/dem.tif', 'https://host/dem.tif'],
    ['s3://key:secret@bucket/dem?1#2.tif', 's3://bucket/dem?1#2.tif'],
    ['a@b/dem.tif?x', 'a@b/dem.tif?x'],
  ])('shows %s as %s', (name, shown) => {
    expect(shownName(name)).toBe(shown);
  });

  it('shows of a query only that there is one, different ones differently', () => {
    const [one, two, again] = ['sig=secret', 'sig=other', 'sig=secret'].map((q) => shownName(`https://h/dem.tif?${q}`));
    expect(one).toMatch(/^https:\/\/h\/dem\.tif\?\([0-9a-f]{8}\)$/);
    expect(two).not.toBe(one);
    expect(again).toBe(one);
  });

  it.each([
    ['https://host/a/dem%20one.tif?sig=secret', 'dem one.tif'],
    ['https://me:secret@host/a/dem.tif#x', 'dem.tif'],
    ['https://host/a/%zz.tif', '%zz.tif'],
    ['https://host/', 'host'],
    ['s3://bucket/a/dem 1?.tif', 'dem 1?.tif'],
    ['/data/dem.tif', 'dem.tif'],
  ])('calls %s %s', (name, base) => {
    expect(baseName(name)).toBe(base);
  });
});
