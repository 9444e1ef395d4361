/**
 * `s3://bucket/key` as the address of an object, with requests that are signed (AWS Signature Version 4). The only door to
 * aws4fetch, which makes the signature.
 */
import type { IncomingMessage } from 'node:http';
import { AwsV4Signer } from 'aws4fetch';
import { RelievoError } from '../error.ts';
import type { RangeTarget } from './http-ranges.ts';
import { type Environment, readS3Settings, type S3Settings } from './s3-settings.ts';
import { shownName } from './source-name.ts';

/** Refuses with `usage` what is no bucket and key. */
export async function s3Target(address: string, environment: Environment): Promise<RangeTarget> {
  const shown = shownName(address);
  const [, bucket, key] = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,254})\/(.+)$/is.exec(address) ?? [];
  // An address would take . and .. for steps between folders, which keys do not have.
  if (bucket === undefined || key === undefined || key.split('/').some((part) => part === '.' || part === '..')) {
    throw new RelievoError(
      'usage',
      `${shown} names no object; expected s3://bucket/key. Credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
      { where: shown },
    );
  }
  const settings = await readS3Settings(environment);
  const { region, credentials } = settings;
  const url = objectUrl(bucket, key, settings);
  return {
    url,
    shown,
    redirects: false,
    async sign(headers) {
      if (credentials === undefined) return headers;
      const { sessionToken, ...keys } = credentials;
      const token = sessionToken === undefined ? {} : { sessionToken };
      // Only what the signature itself needs is signed: what lies between may change other headers.
      const signed = await new AwsV4Signer({ ...keys, ...token, url: url.href, service: 's3', region }).sign();
      return { ...headers, ...Object.fromEntries(signed.headers) };
    },
    explain: (status, answer, body) => explain(status, answer, body, bucket, settings),
  };
}

/** At AWS the bucket is part of the host, unless it has a dot, which certificates do not cover; elsewhere of the path. */
function objectUrl(bucket: string, key: string, { endpoint, region }: S3Settings): URL {
  const path = key.split('/').map(encodeSegment).join('/');
  if (endpoint !== undefined) return new URL(`${endpoint.href.replace(/\/+$/, '')}/${bucket}/${path}`);
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return new URL(bucket.includes('.') ? `https://${host}/${bucket}/${path}` : `https://${bucket}.${host}/${path}`);
}

/** As the signature has it: all but letters, digits, - . _ ~ in percent. */
function encodeSegment(text: string): string {
  const hex = (letter: string) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, hex);
}

/** The service's own code for what went wrong, `<Code>NoSuchKey</Code>`, in a sentence. */
function explain(
  status: number,
  { headers }: IncomingMessage,
  body: string,
  bucket: string,
  { region, endpoint, credentials }: S3Settings,
): string | undefined {
  const code = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(body)?.[1] ?? '';
  const told = headers['x-amz-bucket-region'] ?? /<Region>([a-z0-9-]{1,40})<\/Region>/.exec(body)?.[1];
  const elsewhere = typeof told === 'string' && /^[a-z0-9-]{1,40}$/.test(told) && told !== region ? told : undefined;
  const wrongRegion = (status >= 301 && status <= 308) || code === 'AuthorizationHeaderMalformed';
  if (wrongRegion || (elsewhere !== undefined && status !== 404)) {
    return elsewhere === undefined
      ? `the bucket ${bucket} is not in region ${region} (${status}); set AWS_REGION to its own`
      : `the bucket ${bucket} is in region ${elsewhere}, not ${region}; set AWS_REGION=${elsewhere}`;
  }
  const at = endpoint === undefined ? "AWS's own S3" : endpoint.host;
  switch (code) {
    case 'NoSuchBucket':
      return `there is no bucket ${bucket} at ${at}; check the name, or set AWS_ENDPOINT_URL_S3 to the service that has it`;
    case 'NoSuchKey':
      return `the bucket ${bucket} holds no object of this key; check it, upper and lower case count`;
    case 'InvalidAccessKeyId':
      return `${at} does not know the access key (403); check AWS_ACCESS_KEY_ID, or which service AWS_ENDPOINT_URL_S3 names`;
    case 'SignatureDoesNotMatch':
      return `${at} does not accept the signature (403); check AWS_SECRET_ACCESS_KEY and AWS_REGION (${region})`;
    case 'ExpiredToken':
    case 'InvalidToken':
      return `the session has run out (${code}); get new credentials and set AWS_SESSION_TOKEN and both keys`;
    case 'RequestTimeTooSkewed':
      return 'the clock of this machine is wrong by more than the signature allows; set it right';
  }
  if (status === 403 || status === 401) {
    return credentials === undefined
      ? `${at} refuses it without credentials (${status}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE`
      : `the credentials may not read it (${status}); give them s3:GetObject on it, or set others with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE`;
  }
  if (status === 404) return `there is no such object (404); check bucket and key, and AWS_ENDPOINT_URL_S3`;
  return undefined;
}
