/** SRTM sheets with one fault each, plain, in a zip and gzipped: the bytes, and what the refusal must say. */
import { gzipSync } from 'node:zlib';
import type { LyingZip } from '../support/zip-writer.ts';
import { zipOf } from '../support/zip-writer.ts';
import type { Fault } from './tiff-faults.ts';

const BYTES = 1201 * 1201 * 2;
const sheet = () => Buffer.alloc(BYTES, 1);
const BOMB = 300 * 2 ** 20;

const file = (name: string, says: RegExp, as: string, make: () => Buffer): Fault => ({
  name,
  says,
  files: () => ({ [as]: make() }),
});

const zip = (name: string, says: RegExp, lies: Partial<LyingZip>): Fault =>
  file(name, says, 'N45E007.hgt.zip', () => zipOf({ name: 'N45E007.hgt', content: sheet(), ...lies }));

/** A sound one of each kind. */
export const SOUND_SHEETS: Readonly<Record<string, () => Buffer>> = {
  'N45E007.hgt': sheet,
  'N45E008.hgt.zip': () => zipOf({ name: 'N45E008.hgt', content: sheet() }),
  'N45E009.hgt.gz': () => gzipSync(sheet()),
};

export const HGT_FAULTS: readonly Fault[] = [
  file('one byte missing', /has 2884801 bytes/, 'N45E007.hgt', () => sheet().subarray(1)),
  file('one byte too many', /has 2884803 bytes/, 'N45E007.hgt', () => Buffer.concat([sheet(), Buffer.alloc(1)])),
  file('one byte in all', /has 1 bytes/, 'N45E007.hgt', () => Buffer.alloc(1)),
  file('nothing in it', /is empty/, 'N45E007.hgt', () => Buffer.alloc(0)),
  file('a name without a degree', /which degree/, 'alps.hgt', sheet),
  file('a degree that is not there', /which degree/, 'N91E181.hgt', sheet),
  file('the text of a web page', /has \d+ bytes/, 'N45E007.hgt', () =>
    Buffer.from('<!doctype html><title>404</title>'),
  ),
  zip('zip with a wrong checksum', /checksum/, { checksum: 0x12345678 }),
  zip('zip whose entry says it is 4 GB', /4294967294 bytes/, { bytes: 2 ** 32 - 2 }),
  zip('zip bomb that says it is a sheet', /damaged/, { content: Buffer.alloc(BOMB), bytes: BYTES }),
  zip('zip bomb that says what it is', /314572800 bytes/, { content: Buffer.alloc(BOMB) }),
  zip('zip whose packed data run past the end', /should reach byte/, { packedBytes: 2 ** 30 }),
  zip('zip whose entry begins past the end', /should reach byte/, { at: 2 ** 31 }),
  zip('zip packed by LZMA', /method 14/, { method: 14 }),
  zip('zip with a password', /encrypted/, { flags: 1 }),
  zip('zip of another kind of file', /no .hgt file/, { name: 'readme.txt' }),
  zip('zip whose name climbs out of its folder', /not a sound zip/, { name: '../../../etc/N45E007.hgt' }),
  zip('zip whose name begins at the root', /not a sound zip/, { name: '/etc/N45E007.hgt' }),
  zip('zip whose name has backslashes', /not a sound zip/, { name: '..\\..\\N45E007.hgt' }),
  zip('zip that promises 65534 entries', /not a sound zip|no .hgt file/, { entries: 65534, name: 'other' }),
  zip('stored entry of two sizes', /not a sound zip|checksum|damaged/, { method: 0 }),
  file('gzip cut off', /gzip data are (damaged|cut off)|bytes; expected/, 'N45E007.hgt.gz', () =>
    gzipSync(sheet()).subarray(0, 2000),
  ),
  file('gzip bomb that says it is a sheet', /gzip data are damaged/, 'N45E007.hgt.gz', () => {
    const bomb = gzipSync(Buffer.alloc(BOMB), { level: 1 });
    bomb.writeUInt32LE(BYTES, bomb.length - 4);
    return bomb;
  }),
  file('gzip with a wrong checksum', /gzip data are damaged/, 'N45E007.hgt.gz', () => {
    const packed = gzipSync(sheet());
    packed.writeUInt32LE(7, packed.length - 8);
    return packed;
  }),
  file('gzip of three bytes', /./, 'N45E007.hgt.gz', () => Buffer.from([0x1f, 0x8b, 8])),
];
