/** Objects of an S3 server that checks every signature. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openRemoteFiles, type RemoteFile } from '../../tiler/sources/remote-file.ts';
import { s3Target } from '../../tiler/sources/s3-address.ts';
import { readS3Settings } from '../../tiler/sources/s3-settings.ts';
import { type S3Server, signatureOf, startS3Server } from '../support/s3-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { REPOSITORY } from '../support/test-data.ts';

const BYTES = readFileSync(join(REPOSITORY, 'data/maui/N20W156.hgt.zip'));
const KEY = { id: 'RELIEVO', secret: 'hush/+=hush', region: 'eu-south-1' };
const OTHER_KEY = "höhen/a b+c(1)!*'&=~?#.tif";
const refusal = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'RelievoError', code, message: expect.stringMatching(text) });

it('the judge of signatures comes to the one of the example in the AWS documentation', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const headers = {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': empty,
    'x-amz-date': '20130524T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=',
  };
  expect(signatureOf('GET', '/test.txt', headers, 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')).toBe(
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  );
});

describe('an object', () => {
  let server: S3Server;
  beforeAll(async () => {
    const objects = { 'dem/maui.bin': BYTES, [`dem/${OTHER_KEY}`]: BYTES.subarray(0, 1000), 'public/maui.bin': BYTES };
    server = await startS3Server(objects, KEY);
  });
  afterAll(() => server.close());

  const settings = (changes: Readonly<Record<string, string | undefined>> = {}) => ({
    HOME: '/nowhere',
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_REGION: KEY.region,
    AWS_ACCESS_KEY_ID: KEY.id,
    AWS_SECRET_ACCESS_KEY: KEY.secret,
    ...changes,
  });
  async function open(address: string, environment: Readonly<Record<string, string | undefined>>): Promise<RemoteFile> {
    const file = await openRemoteFiles({ environment, limits: { pauseMs: 1 } }).open(address);
    onTestFinished(() => file.close());
    return file;
  }

  it('is read by ranges, with a signature each', async () => {
    const file = await open('s3://dem/maui.bin', settings());
    expect(file).toMatchObject({ path: 's3://dem/maui.bin', name: 'maui.bin', size: BYTES.length });
    for (const [offset, length] of [
      [0, 10],
      [200_000, 300_000],
      [BYTES.length - 5, 5],
    ] as const) {
      expect((await file.read(offset, length)).equals(BYTES.subarray(offset, offset + length))).toBe(true);
    }
    expect(server.asked.at(-1)).toEqual({ line: 'GET /dem/maui.bin', signed: true });
    expect(await file.version()).toBe(await (await open('s3://dem/maui.bin', settings())).version());
  });

  it('may have any key', async () => {
    const file = await open(`s3://dem/${OTHER_KEY}`, settings());
    expect((await file.read(0, 1000)).equals(BYTES.subarray(0, 1000))).toBe(true);
  });

  it('is read without a signature where there are no credentials, or none are wanted', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    for (const changes of [none, { AWS_NO_SIGN_REQUEST: 'YES' }]) {
      const file = await open('s3://public/maui.bin', settings(changes));
      expect((await file.read(0, 10)).equals(BYTES.subarray(0, 10))).toBe(true);
      expect(server.asked.at(-1)?.signed).toBe(false);
    }
  });

  it('is read with the credentials of a profile', async () => {
    const folder = temporaryFolder({
      '.aws/credentials': `[default]\naws_access_key_id = wrong\naws_secret_access_key = wrong\n\n[ maps ]\r\n# a remark\naws_access_key_id = ${KEY.id}\naws_secret_access_key=${KEY.secret}\n[last]\n`,
      '.aws/config': `[profile maps]\nregion = ${KEY.region}\ns3 =\n  region = wrong\nendpoint_url = ${server.url}\n`,
    });
    const file = await open('s3://dem/maui.bin', { HOME: folder, AWS_PROFILE: 'maps' });
    expect(file.size).toBe(BYTES.length);
    await expect(open('s3://dem/maui.bin', { HOME: folder, AWS_PROFILE: 'none' })).rejects.toEqual(
      refusal('usage', /There is no profile "none"/),
    );
  });

  it.each<[string, string, Readonly<Record<string, string | undefined>>, string, RegExp]>([
    ['another key', 's3://dem/none.tif', {}, 'input-missing', /the bucket dem holds no object of this key/],
    [
      'another bucket',
      's3://none/maui.bin',
      {},
      'input-missing',
      /there is no bucket none at 127.*AWS_ENDPOINT_URL_S3/,
    ],
    [
      'no credentials',
      's3://dem/maui.bin',
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
      'input-missing',
      /refuses it without credentials \(403\); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE/,
    ],
    ['an unknown key', 's3://dem/maui.bin', { AWS_ACCESS_KEY_ID: 'x' }, 'input-missing', /check AWS_ACCESS_KEY_ID/],
    [
      'a wrong secret',
      's3://dem/maui.bin',
      { AWS_SECRET_ACCESS_KEY: 'hush' },
      'input-missing',
      /AWS_SECRET_ACCESS_KEY/,
    ],
    ['a wrong region', 's3://dem/maui.bin', { AWS_REGION: 'x-1' }, 'input-missing', /; set AWS_REGION=eu-south-1\.$/],
    ['a token too many', 's3://dem/maui.bin', { AWS_SESSION_TOKEN: 'hush' }, 'input-missing', /set AWS_SESSION_TOKEN/],
    ['half a pair', 's3://dem/maui.bin', { AWS_SECRET_ACCESS_KEY: '' }, 'usage', /set AWS_SECRET_ACCESS_KEY too/],
    ['a wrong endpoint', 's3://dem/maui.bin', { AWS_ENDPOINT_URL_S3: 'hush' }, 'usage', /AWS_ENDPOINT_URL_S3/],
    ['no key at all', 's3://dem/', {}, 'usage', /expected s3:\/\/bucket\/key/],
    ['steps in a key', 's3://dem/../public/maui.bin', {}, 'usage', /expected s3:\/\/bucket\/key/],
    ['secrets in the name', 's3://x:hush@dem', {}, 'usage', /Credentials belong into AWS_ACCESS_KEY_ID/],
  ])('is refused with what to change, and without secrets: %s', async (_, address, changes, code, text) => {
    const error = await open(address, settings(changes)).catch((thrown: unknown) => thrown);
    expect(error).toEqual(refusal(code, text));
    expect(JSON.stringify(error, ['name', 'message', 'where'])).not.toContain('hush');
  });

  it('needs the token of temporary credentials', async () => {
    const other = await startS3Server({ 'dem/a.bin': BYTES }, { ...KEY, token: 't/1+2=' });
    onTestFinished(() => other.close());
    const file = await open(
      's3://dem/a.bin',
      settings({ AWS_ENDPOINT_URL_S3: other.url, AWS_SESSION_TOKEN: 't/1+2=' }),
    );
    expect(file.size).toBe(BYTES.length);
  });
});

describe('where an object lies', () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['s3://dem/a/b.tif', {}, 'https://dem.s3.us-east-1.amazonaws.com/a/b.tif'],
    ['s3://dem/a/b.tif', { AWS_REGION: 'cn-north-1' }, 'https://dem.s3.cn-north-1.amazonaws.com.cn/a/b.tif'],
    ['s3://d.e.m/b c.tif', { AWS_DEFAULT_REGION: 'eu-west-1' }, 'https://s3.eu-west-1.amazonaws.com/d.e.m/b%20c.tif'],
    ['s3://dem/b.tif', { AWS_ENDPOINT_URL: 'https://s3.example.org/base/' }, 'https://s3.example.org/base/dem/b.tif'],
  ])('%s %j', async (address, environment, url) => {
    expect((await s3Target(address, { HOME: '/nowhere', ...environment })).url.href).toBe(url);
  });

  it('is told by the environment first', async () => {
    const credentials = join(temporaryFolder({ c: '[default]\naws_access_key_id=a\naws_secret_access_key=b\n' }), 'c');
    const files = { HOME: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: credentials };
    expect((await readS3Settings(files)).credentials).toEqual({ accessKeyId: 'a', secretAccessKey: 'b' });
    const typed = { ...files, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' };
    expect((await readS3Settings(typed)).credentials).toEqual({ accessKeyId: 'x', secretAccessKey: 'y' });
  });
});
