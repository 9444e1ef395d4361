/** Conditional requests: If-None-Match (RFC 9110, 13.1.2) against the strong tag of what would be sent. */

/** What If-None-Match asks: nothing, whether any representation exists (`*`), or one of these opaque tags. */
export type NoneMatch = { readonly any: true } | { readonly any: false; readonly tags: readonly string[] };

/** Undefined without a header. Weak tags lose their `W/`: the comparison is the weak one. */
export function parseNoneMatch(header: string | undefined): NoneMatch | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return { any: true };
  return {
    any: false,
    tags: [...header.matchAll(/(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)].map(([, tag = '']) => tag),
  };
}

/** Whether the client holds the representation with this tag already, going by its tag alone. */
export function holdsTag(noneMatch: NoneMatch | undefined, etag: string): boolean {
  return noneMatch !== undefined && !noneMatch.any && noneMatch.tags.includes(etag);
}

/** Whether an existing representation is one the client does not want again. */
export function isNotModified(noneMatch: NoneMatch | undefined, etag: string): boolean {
  return noneMatch !== undefined && (noneMatch.any || noneMatch.tags.includes(etag));
}
