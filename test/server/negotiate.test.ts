/** Accept-Encoding with weights, extensions from Accept headers of real clients, If-None-Match lists. */
import { describe, expect, it } from 'vitest';
import { holdsTag, isNotModified, parseNoneMatch } from '../../server/http/conditional.ts';
import { negotiateCoding, negotiateExtensions } from '../../server/http/negotiate.ts';

describe('negotiateCoding', () => {
  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'gzip'],
    ['br', 'identity'],
    ['deflate, br;q=1.0', 'identity'],
    ['identity', 'identity'],
    ['gzip;q=0', 'identity'],
    ['gzip; q=0.0, *', 'identity'],
    ['gzip;q=0.001', 'gzip'],
    ['*', 'gzip'],
    ['*;q=0.5', 'gzip'],
    ['*;q=0', undefined],
    ['*;q=0, identity', 'identity'],
    ['*;q=0, gzip', 'gzip'],
    ['identity;q=0', undefined],
    ['identity;q=0, gzip', 'gzip'],
    ['identity;q=0, *', 'gzip'],
    ['identity;q=0, gzip;q=0', undefined],
    ['identity, gzip;q=0.5', 'identity'],
    ['identity;q=0.5, gzip', 'gzip'],
    ['identity, gzip', 'gzip'],
    ['gzip;q=2', 'identity'],
    ['gzip;q=-1', 'identity'],
    ['gzip;q=abc', 'identity'],
    [' gzip ;q=1.000 ,, ', 'gzip'],
    ['gzipped', 'identity'],
  ] as const)('%j: %s', (header, coding) => {
    expect(negotiateCoding(header)).toBe(coding);
  });
});

describe('negotiateExtensions', () => {
  const all = ['octvertexnormals'] as const;
  it.each([
    [
      'application/vnd.quantized-mesh;extensions=octvertexnormals,application/octet-stream;q=0.9,*/*;q=0.01',
      undefined,
      1,
    ],
    [
      'application/vnd.quantized-mesh;extensions=octvertexnormals-watermask-metadata,application/octet-stream;q=0.9,*/*;q=0.01',
      undefined,
      1,
    ],
    ['application/vnd.quantized-mesh,application/octet-stream;extensions=watermask-octvertexnormals', undefined, 1],
    ['application/vnd.quantized-mesh;q=0.8; Extensions="octvertexnormals"', undefined, 1],
    ['application/vnd.quantized-mesh;extensions=octvertexnormals;q=0', undefined, 0],
    ['application/vnd.quantized-mesh,application/octet-stream;q=0.9', undefined, 0],
    ['application/vnd.quantized-mesh;extensions=watermask-metadata', undefined, 0],
    ['application/vnd.quantized-mesh;extensions=__proto__-constructor', undefined, 0],
    ['*/*', 'octvertexnormals-metadata-watermask', 1],
    [undefined, 'octvertexnormals', 1],
    [undefined, ['watermask', 'octvertexnormals'], 1],
    [undefined, 'octvertexnormals,watermask', 0],
    [undefined, '', 0],
    [undefined, { deep: 'octvertexnormals' }, 0],
    [undefined, undefined, 0],
    ['', undefined, 0],
  ])('%j and %j', (accept, query, count) => {
    expect(negotiateExtensions(accept, query, all)).toEqual(all.slice(0, count));
    expect(negotiateExtensions(accept, query, [])).toEqual([]);
  });

  it('says each once', () => {
    const accept = 'a/b;extensions=octvertexnormals-octvertexnormals,c/d;extensions=octvertexnormals';
    expect(negotiateExtensions(accept, 'octvertexnormals', all)).toEqual(['octvertexnormals']);
  });
});

describe('If-None-Match', () => {
  const tag = '"abc-gzip"';
  it.each([
    ['"abc-gzip"', true],
    ['W/"abc-gzip"', true],
    ['"x", W/"y,z" ,"abc-gzip"', true],
    ['"x","y"', false],
    ['"abc-identity"', false],
    ['abc-gzip', false],
    ['', false],
    ['"x*"', false],
  ])('%j', (header, matches) => {
    expect(holdsTag(parseNoneMatch(header), tag)).toBe(matches);
    expect(isNotModified(parseNoneMatch(header), tag)).toBe(matches);
  });

  it('takes * for any that exists, which a tag alone cannot tell', () => {
    expect(holdsTag(parseNoneMatch(' * '), tag)).toBe(false);
    expect(isNotModified(parseNoneMatch(' * '), tag)).toBe(true);
    expect(isNotModified(parseNoneMatch(undefined), tag)).toBe(false);
  });
});
