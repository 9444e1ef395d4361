/** Where a redirect may lead, before any name is looked up. */
import { describe, expect, it } from 'vitest';
import { isSameHost, nextHop } from '../../tiler/sources/http-hop.ts';

const refusal = (text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code: 'input-unsupported', message: expect.stringMatching(text) });

describe('nextHop', () => {
  it.each([
    ['https://a.org/x/dem.tif', 'other.tif', 'https://a.org/x/other.tif'],
    ['https://a.org/x/dem.tif', '//b.org/dem.tif', 'https://b.org/dem.tif'],
    ['http://a.org/dem.tif', 'https://a.org/dem.tif', 'https://a.org/dem.tif'],
    ['https://a.org/dem.tif', 'https://me:secret@b.org/dem.tif', 'https://b.org/dem.tif'],
  ])('from %s by %s to %s', (from, location, to) => {
    expect(nextHop(new URL(from), location).href).toBe(to);
  });

  it.each([
    ['http://a.org/dem.tif', /redirects from https to http \(a\.org\), and that is not followed/],
    ['file:///etc/passwd', /no web address/],
    ['https://', /no web address/],
  ])('refuses %s', (location, text) => {
    const attempt = () => nextHop(new URL('https://a.org/dem.tif?secret'), location);
    expect(attempt).toThrow(refusal(text));
    expect(attempt).not.toThrow(/secret/);
  });
});

describe('isSameHost', () => {
  it.each([
    ['http://a.org/x', 'http://a.org/y?z', true],
    ['http://a.org/x', 'https://a.org/x', true],
    ['http://a.org:8080/x', 'http://a.org:8080/y', true],
    ['http://a.org/x', 'http://a.org:6379/x', false],
    ['http://a.org:8080/x', 'https://a.org/x', false],
    ['https://a.org/x', 'http://a.org/x', false],
    ['http://a.org/x', 'http://b.a.org/x', false],
    ['http://localhost/x', 'http://127.0.0.1/x', false],
  ])('%s names the host of %s: %s', (typed, url, same) => {
    expect(isSameHost(new URL(typed), new URL(url))).toBe(same);
  });
});
