/** The state of the page in its address: what is written is read again, and nonsense does no harm. */
import { describe, expect, it } from 'vitest';
import { readHash, START_STATE, writeHash } from '../../viewer/hash-state.ts';
import type { ViewState } from '../../viewer/page-api.ts';

const FULL: ViewState = {
  layer: 'maui',
  camera: { longitude: -156.25, latitude: 20.7, height: 12_345.6, heading: 271.25, pitch: -35.5 },
  exaggeration: 2.5,
  shading: false,
  water: false,
  colours: false,
  contours: true,
  contourInterval: 50,
  imagery: [
    {
      address: 'https://tiles.example.org/{z}/{x}/{-y}.png?key=a;b&c=%20d#e',
      name: 'Süd; 100 % & more',
      credit: '© someone',
      opacity: 0.35,
      visible: false,
      grid: 'geographic',
      layer: 'a,b;c',
    },
    { address: '/own/{z}/{x}/{y}.jpg', name: '', credit: '', opacity: 1, visible: true, grid: 'mercator', layer: '' },
  ],
};

describe('state of the page as a hash', () => {
  it('comes back as it was written', () => {
    expect(readHash(`#${writeHash(FULL)}`)).toEqual(FULL);
    expect(readHash(writeHash({ ...FULL, contourInterval: 0 })).contourInterval).toBe(0);
  });

  it('leaves out what is as at the start', () => {
    expect(writeHash(START_STATE)).toBe('');
    expect(readHash('')).toEqual(START_STATE);
    expect(writeHash({ ...START_STATE, layer: 'maui' })).toBe('layer=maui');
  });

  it('survives an address bar that escapes it', () => {
    const url = new URL(`http://localhost/#${writeHash(FULL)}`);
    expect(readHash(url.hash)).toEqual(FULL);
  });

  it.each([
    'view=1,2',
    'view=1,nine,3',
    'view=200,10,1000',
    'view=1,NaN,3',
    'view=,,',
    'exaggeration=lots',
    'imagery=;;;',
    'imagery=%',
    'imagery=1;1;mercator;%;%;%;',
    '&&&===',
  ])('ignores %s', (hash) => {
    expect(readHash(hash)).toEqual(START_STATE);
  });

  it('keeps figures within their limits', () => {
    expect(readHash('exaggeration=50').exaggeration).toBe(5);
    expect(readHash('exaggeration=-1').exaggeration).toBe(1);
    expect(readHash('view=1,2,3,4,-500').camera?.pitch).toBe(-90);
    expect(readHash('imagery=7;1;mercator;;;;https://a.example/{z}/{x}/{y}').imagery[0]?.opacity).toBe(1);
  });
});
