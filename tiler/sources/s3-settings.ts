/**
 * Where S3 is and who asks: from the variables that AWS's own tools read, else from their files (`~/.aws/credentials`,
 * `~/.aws/config`), in which AWS_PROFILE names the section.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { RelievoError } from '../error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Settings {
  /** Another service than AWS's own; buckets are then part of the path. */
  readonly endpoint: URL | undefined;
  readonly region: string;
  /** None: requests are not signed, which public buckets allow. */
  readonly credentials: S3Credentials | undefined;
}

type Section = ReadonlyMap<string, string>;

const DEFAULT_REGION = 'us-east-1';

/** Refuses with `usage` a half of a pair, a profile that is nowhere, and an endpoint that is no address. */
export async function readS3Settings(environment: Environment): Promise<S3Settings> {
  const own = (name: string) => environment[name]?.trim() || undefined;
  const profile = own('AWS_PROFILE') ?? own('AWS_DEFAULT_PROFILE');
  const home = own('HOME') ?? own('USERPROFILE') ?? homedir();
  const name = profile ?? 'default';
  const secrets = await readSection(own('AWS_SHARED_CREDENTIALS_FILE') ?? join(home, '.aws/credentials'), [name]);
  const names = name === 'default' ? [name, 'profile default'] : [`profile ${name}`];
  const config = await readSection(own('AWS_CONFIG_FILE') ?? join(home, '.aws/config'), names);
  if (profile !== undefined && secrets === undefined && config === undefined) {
    throw new RelievoError(
      'usage',
      `There is no profile "${profile}" in AWS's credentials and config files; correct AWS_PROFILE, or the file that AWS_SHARED_CREDENTIALS_FILE names.`,
      { where: 'AWS_PROFILE' },
    );
  }
  const filed = (key: string) => secrets?.get(key) || config?.get(key) || undefined;
  const endpoint = own('AWS_ENDPOINT_URL_S3') ?? own('AWS_ENDPOINT_URL') ?? filed('endpoint_url');
  return {
    endpoint: endpoint === undefined ? undefined : endpointOf(endpoint),
    region: own('AWS_REGION') ?? own('AWS_DEFAULT_REGION') ?? filed('region') ?? DEFAULT_REGION,
    credentials: /^(yes|true|1|on)$/i.test(own('AWS_NO_SIGN_REQUEST') ?? '')
      ? undefined
      : (pairOf(own('AWS_ACCESS_KEY_ID'), own('AWS_SECRET_ACCESS_KEY'), own('AWS_SESSION_TOKEN'), 'the environment') ??
        pairOf(
          filed('aws_access_key_id'),
          filed('aws_secret_access_key'),
          filed('aws_session_token'),
          `profile "${name}"`,
        )),
  };
}

function pairOf(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
  where: string,
): S3Credentials | undefined {
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey, sessionToken };
  const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
  throw new RelievoError('usage', `Of the credentials for S3 in ${where} a half is missing: set ${missing} too.`, {
    where: missing,
  });
}

function endpointOf(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.username === '') return url;
  throw new RelievoError(
    'usage',
    'The endpoint for S3 (AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL) is no plain web address; expected one such as https://s3.example.org.',
    { where: 'AWS_ENDPOINT_URL_S3' },
  );
}

/** Keys and values of the first section of one of the names; undefined where there is none. */
async function readSection(path: string, names: readonly string[]): Promise<Section | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  let section: Map<string, string> | undefined;
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const title = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (title !== undefined) inside = names.includes(title.replace(/\s+/g, ' '));
    else if (inside) {
      // Lines that are set in belong to a setting of their own kind, as `s3 =` has them.
      const [, key, value] = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) section?.set(key.toLowerCase(), value);
    }
    if (inside) section ??= new Map();
  }
  return section;
}
