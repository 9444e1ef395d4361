/** The optional parts of a quantized-mesh tile that clients ask for by name. */

/** Names as in layer.json and in requests, to extension ids. */
export const EXTENSION_IDS = { octvertexnormals: 1, watermask: 2, metadata: 4 } as const;
export type ExtensionName = keyof typeof EXTENSION_IDS;
export const EXTENSION_NAMES = Object.keys(EXTENSION_IDS) as readonly ExtensionName[];
