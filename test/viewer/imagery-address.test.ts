/** Addresses of imagery as people paste them: understood, or answered with a sentence that says what is missing. */
import { describe, expect, it } from 'vitest';
import { nameFromAddress, readImageryAddress } from '../../viewer/imagery-address.ts';

const PAGE = 'http://localhost:8080/base/';
const read = (typed: string) => readImageryAddress(typed, PAGE);

describe('tile templates', () => {
  it.each([
    ['https://a.example/{z}/{x}/{y}.png', 'https://a.example/{z}/{x}/{y}.png'],
    ['  "https://a.example/{z}/{x}/{y}.png" ', 'https://a.example/{z}/{x}/{y}.png'],
    ['https://a.example/{zoom}/{X}/{-y}.png', 'https://a.example/{z}/{x}/{reverseY}.png'],
    ['https://a.example/{z}/{x}/{reverseY}.png', 'https://a.example/{z}/{x}/{reverseY}.png'],
    ['https://a.example/%7Bz%7D/%7Bx%7D/%7By%7D', 'https://a.example/{z}/{x}/{y}'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: some people paste it so
    ['https://a.example/${z}/${x}/${y}.png', 'https://a.example/{z}/{x}/{y}.png'],
    ['a.example/{z}/{x}/{y}{r}.png', 'https://a.example/{z}/{x}/{y}.png'],
    ['tiles/{z}/{x}/{y}.png', 'http://localhost:8080/base/tiles/{z}/{x}/{y}.png'],
    ['/tiles/{z}/{x}/{y}.png', 'http://localhost:8080/tiles/{z}/{x}/{y}.png'],
  ])('%s', (typed, url) => {
    expect(read(typed)).toMatchObject({ kind: 'template', url });
  });

  it('knows subdomains', () => {
    const switched = read('https://{switch:t1,t2}.example/{z}/{x}/{y}.png');
    expect(switched).toEqual({
      kind: 'template',
      url: 'https://{s}.example/{z}/{x}/{y}.png',
      subdomains: ['t1', 't2'],
    });
    expect(read('https://{a-c}.example/{z}/{x}/{y}')).toMatchObject({ subdomains: ['a', 'b', 'c'] });
    expect(read('https://{s}.example/{z}/{x}/{y}')).toMatchObject({ url: 'https://{s}.example/{z}/{x}/{y}' });
  });
});

describe('TMS and WMTS', () => {
  it('takes the folder of a tilemapresource.xml', () => {
    expect(read('https://a.example/tms/tilemapresource.xml')).toEqual({
      kind: 'tms',
      folder: 'https://a.example/tms/',
    });
  });

  it('takes capabilities', () => {
    expect(read('https://a.example/1.0.0/WMTSCapabilities.xml').kind).toBe('capabilities');
    expect(read('https://a.example/wmts?service=WMTS&token=1')).toEqual({
      kind: 'capabilities',
      url: 'https://a.example/wmts?token=1&SERVICE=WMTS&REQUEST=GetCapabilities',
    });
  });

  it('takes GetTile by template and by query', () => {
    expect(read('https://a.example/{style}/{tilematrix}/{TileRow}/{tilecol}.png')).toMatchObject({
      kind: 'wmts',
      url: 'https://a.example/{Style}/{TileMatrix}/{TileRow}/{TileCol}.png',
    });
    const query =
      'SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=ortho&STYLE=normal&TILEMATRIXSET=PM&TILEMATRIX=3&TILEROW=2&TILECOL=1';
    expect(read(`https://a.example/wmts?${query}&FORMAT=image/jpeg&key=7`)).toEqual({
      kind: 'wmts',
      url: 'https://a.example/wmts?key=7',
      layer: 'ortho',
      style: 'normal',
      format: 'image/jpeg',
      matrixSet: 'PM',
    });
  });

  it('leaves folders and other documents to a look at them', () => {
    expect(read('https://a.example/tiles/').kind).toBe('unknown');
    expect(read('cesium/Assets/Textures/NaturalEarthII')).toEqual({
      kind: 'unknown',
      url: 'http://localhost:8080/base/cesium/Assets/Textures/NaturalEarthII',
    });
  });
});

describe('what cannot be used', () => {
  it.each([
    ['', /Paste an address/],
    ['   ', /Paste an address/],
    ['https://a.example/{z}/{x}.png', /lacks \{y\} or \{-y\}/],
    ['https://a.example/{x}/{y}.png', /lacks \{z\}/],
    ['https://a.example/{z}/{y}.png', /lacks \{x\}/],
    ['https://a.example/{quadkey}.png', /does not know \{quadkey\}/],
    ['https://a.example/{z}/{x}/{y}.png?key={apikey}', /does not know \{apikey\}/],
    ['https://a.example/wms?service=WMS&request=GetMap', /WMS/],
    ['https://a.example/7/12/34.png', /single tile.*https:\/\/a\.example\/\{z\}\/\{x\}\/\{y\}\.png/],
    ['https://a.example/{TileMatrix}/{TileCol}.png', /lacks \{TileRow\}/],
    ['https://a.example/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png', /Replace \{TileMatrixSet\}/],
    ['https://a.example/?request=GetTile&layer=a', /lacks TileMatrixSet/],
    ['ftp://a.example/{z}/{x}/{y}.png', /ftp:\/\//],
    ['javascript:alert(1)', /not the address/],
    ['data:image/png;base64,AAAA', /not the address/],
    ['http://', /not an address/],
  ])('%s', (typed, sentence) => {
    expect(() => read(typed)).toThrow(sentence);
  });
});

describe('names', () => {
  it('come from the host', () => {
    expect(nameFromAddress('https://{s}.tile.example.org/{z}/{x}/{y}.png', PAGE)).toBe('tile.example.org');
    expect(nameFromAddress('www.example.org/{z}/{x}/{y}.png', PAGE)).toBe('example.org');
    expect(nameFromAddress('http://', PAGE)).toBe('Imagery');
  });
});
