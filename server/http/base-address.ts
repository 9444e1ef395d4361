/**
 * The address under which the client reached the server, for links in the catalog. Absolute, because people paste them
 * into CesiumJS and QGIS; made from the Host header only when that is a plain host, so that nothing can be slipped in.
 */
import type { Request } from 'express';

const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?)(:\d{1,5})?$/i;
const PREFIX = /^(\/[\w.~-]+)+$/;

export interface BaseAddressOptions {
  /** The server's address as clients know it, without a slash at the end; decides alone when given. */
  readonly publicUrl?: string | undefined;
  /** Believe X-Forwarded-Proto, -Host and -Prefix: only behind a proxy that sets or removes them. */
  readonly trustProxy?: boolean | undefined;
}

/** `http://host:port`, with a path prefix when the proxy has one; empty (addresses from the root) without a usable host. */
export function baseAddress(req: Request, { publicUrl, trustProxy }: BaseAddressOptions): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
  const forwarded = (name: string): string | undefined => {
    const value = trustProxy ? req.headers[`x-forwarded-${name}`] : undefined;
    return (Array.isArray(value) ? value[0] : value)?.split(',', 1)[0]?.trim();
  };
  const prefixed = forwarded('prefix')?.replace(/\/+$/, '') ?? '';
  const prefix = PREFIX.test(prefixed) && !/\/\.{1,2}(\/|$)/.test(prefixed) ? prefixed : '';
  const host = forwarded('host') ?? req.headers.host;
  if (host === undefined || !HOST.test(host)) return prefix;
  return `${forwarded('proto') === 'https' ? 'https' : 'http'}://${host}${prefix}`;
}
