/** Cutting stored tiles to the asked form: real tiles with every extension, hand-made ones for padding, damage of all kinds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cutVariant, isGzip, walkTile } from '../../tiler/encode/cut-variant.ts';
import { gzipBytes, gzipBytesSync } from '../../tiler/encode/gzip.ts';
import { handMadeNormals, handMadeTile } from '../support/hand-made-tile.ts';
import { decodeWithHere } from '../support/here-decoder.ts';
import { describeWithData } from '../support/test-data.ts';

const BARE = { extensions: [], coding: 'identity' } as const;
const NORMALS = { extensions: ['octvertexnormals'], coding: 'identity' } as const;
const water = { id: 2, payload: Uint8Array.of(255) };

describe('cutVariant', () => {
  it('keeps the extensions that were asked for and drops the rest', async () => {
    const bare = handMadeTile();
    const normals = handMadeTile({ extensions: [handMadeNormals()] });
    for (const extensions of [
      [water, handMadeNormals()],
      [handMadeNormals(), water],
      [{ id: 77, payload: new Uint8Array(300) }, handMadeNormals(), water],
    ]) {
      const stored = handMadeTile({ extensions });
      expect(Buffer.from(await cutVariant(stored, BARE))).toEqual(Buffer.from(bare));
      expect(Buffer.from(await cutVariant(stored, NORMALS))).toEqual(Buffer.from(normals));
    }
  });

  it('hands on the very bytes when nothing needs to change', async () => {
    const plain = handMadeTile({ extensions: [handMadeNormals()] });
    const zipped = gzipSync(plain);
    expect(await cutVariant(plain, NORMALS)).toBe(plain);
    expect(await cutVariant(zipped, { ...NORMALS, coding: 'gzip' })).toBe(zipped);
    expect(await cutVariant(handMadeTile(), NORMALS)).toEqual(handMadeTile());
  });

  it('does not look inside a tile that is known to hold nothing unasked', async () => {
    // A gzip header with nothing behind it: any look inside would fail.
    const sealed = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
    const wanted = { extensions: ['octvertexnormals'], coding: 'gzip' } as const;
    expect(await cutVariant(sealed, wanted, { holds: ['octvertexnormals'] })).toBe(sealed);
    expect(await cutVariant(sealed, { ...wanted, extensions: [] }, { holds: [] })).toBe(sealed);
    await expect(cutVariant(sealed, { ...wanted, extensions: [] }, { holds: ['octvertexnormals'] })).rejects.toThrow();
    await expect(cutVariant(sealed, wanted)).rejects.toThrow();
  });

  it('changes the coding both ways, without time or operating system in the header', async () => {
    const plain = handMadeTile({ extensions: [handMadeNormals()] });
    const zipped = await cutVariant(plain, { ...NORMALS, coding: 'gzip' });
    expect([...zipped.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    expect(gunzipSync(zipped)).toEqual(Buffer.from(plain));
    expect(await cutVariant(zipped, NORMALS)).toEqual(Buffer.from(plain));
    expect(await gzipBytes(plain)).toEqual(zipped);
    expect(gzipBytesSync(plain)).toEqual(zipped);
  });

  it('knows 32-bit indices and the padding before them', async () => {
    for (const vertices of [65535, 65536, 65537, 65538]) {
      const bare = handMadeTile({ vertices });
      const stored = handMadeTile({ vertices, extensions: [water, handMadeNormals(vertices)] });
      expect(walkTile(stored)).toMatchObject({ vertices, triangles: 2, meshEnd: bare.length });
      expect(Buffer.compare(await cutVariant(stored, BARE), bare)).toBe(0);
    }
  });

  it('reads the old big-endian lengths and writes little-endian ones', async () => {
    const stored = handMadeTile({ extensions: [handMadeNormals(), water], bigEndianLengths: true });
    const normals = handMadeTile({ extensions: [handMadeNormals()] });
    expect(Buffer.from(await cutVariant(stored, NORMALS))).toEqual(Buffer.from(normals));
  });

  it('leaves the stored bytes as they are', async () => {
    const stored = handMadeTile({ extensions: [water, handMadeNormals()] });
    const before = Buffer.from(stored);
    await cutVariant(stored, NORMALS);
    expect(Buffer.from(stored)).toEqual(before);
  });

  it('refuses a tile cut short at any byte', async () => {
    const whole = handMadeTile({ extensions: [handMadeNormals(), water] });
    const soundEnds = [handMadeTile().length, handMadeTile({ extensions: [handMadeNormals()] }).length];
    for (let length = 0; length < whole.length; length++) {
      const cut = cutVariant(whole.subarray(0, length), BARE, { where: '0/0/0' });
      if (soundEnds.includes(length)) await cut;
      else await expect(cut, `${length} bytes`).rejects.toMatchObject({ code: 'input-invalid', where: '0/0/0' });
    }
  });

  it('refuses wild counts, normals of another size, broken gzip and what is no tile', async () => {
    const countsAt = [88, 92 + 24, 92 + 24 + 4 + 12];
    for (const at of countsAt) {
      const wild = handMadeTile();
      new DataView(wild.buffer).setUint32(at, 0xffffffff, true);
      await expect(cutVariant(wild, BARE), `count at ${at}`).rejects.toMatchObject({ code: 'input-invalid' });
    }
    const short = handMadeTile({ extensions: [{ id: 1, payload: new Uint8Array(6) }] });
    await expect(cutVariant(short, BARE)).rejects.toMatchObject({ code: 'input-invalid' });
    const zipped = gzipSync(handMadeTile());
    const broken = [zipped.subarray(0, 40), new TextEncoder().encode('<html>no tile</html>'), new Uint8Array(0)];
    for (const bytes of broken) {
      await expect(cutVariant(bytes, BARE)).rejects.toMatchObject({ code: 'input-invalid' });
    }
  });

  it('does not unpack a bomb', async () => {
    const bomb = gzipSync(new Uint8Array(80 * 1024 * 1024), { level: 1 });
    await expect(cutVariant(bomb, BARE)).rejects.toMatchObject({ code: 'input-invalid' });
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(cutVariant(handMadeTile(), BARE, { signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('takes only whole gzip headers for gzip', () => {
    expect(isGzip(Uint8Array.of(0x1f, 0x8b, 8, 0))).toBe(true);
    for (const bytes of [[], [0x1f], [0x1f, 0x8b], [0x1f, 0x8b, 8], [0x1f, 0x8b, 7, 0], [0x1f, 0x8b, 8, 0x20]]) {
      expect(isGzip(Uint8Array.from(bytes)), String(bytes)).toBe(false);
    }
  });
});

describeWithData('cutVariant on tiles of other tools', ['quantized-mesh/cesium-fixtures'], (folder) => {
  const tiles = [
    'tile.32bitIndices.terrain',
    'tile.metadataavailability.terrain',
    'tile.octvertexnormals.terrain',
    'tile.octvertexnormals.unknownext.terrain',
    'tile.octvertexnormals.watermask.terrain',
    'tile.terrain',
    'tile.unknownext.terrain',
    'tile.vertexnormals.terrain',
    'tile.vertexnormals.unknownext.terrain',
    'tile.watermask.terrain',
    '9_759_335/9_759_335.terrain',
  ];
  it.each(tiles)('%s stays whole for HERE without its extensions, and with its normals alone', async (file) => {
    const stored = readFileSync(join(folder, file));
    const { meshEnd, vertices, extensions } = walkTile(stored);
    const bare = await cutVariant(stored, BARE);
    const zipped = await cutVariant(stored, { ...NORMALS, coding: 'gzip' });
    const truth = decodeWithHere(stored.subarray(0, meshEnd));

    expect(truth.vertexData.length).toBe(3 * vertices);
    expect(decodeWithHere(bare)).toEqual(truth);
    expect(decodeWithHere(bare).extensions).toEqual({});
    const withNormals = decodeWithHere(gunzipSync(zipped));
    const { extensions: kept, ...mesh } = withNormals;
    const { extensions: _none, ...trueMesh } = truth;
    expect(mesh).toEqual(trueMesh);
    const normals = extensions.find(({ id }) => id === 1);
    expect(Object.keys(kept)).toEqual(normals ? ['vertexNormals'] : []);
    if (normals) {
      expect(Buffer.from(kept.vertexNormals ?? [])).toEqual(stored.subarray(normals.start, normals.end));
    }
  });
});
