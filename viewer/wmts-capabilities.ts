/**
 * Reads a WMTS capabilities document (OGC 07-057r7 section 7.1) for what a globe needs of each layer: where its tiles
 * are, and a matrix set on the Web Mercator grid or on longitude and latitude.
 */

export interface WmtsLayer {
  readonly id: string;
  readonly title: string;
  readonly url: string;
  readonly style: string;
  readonly format: string;
  readonly matrixSet: string;
  readonly grid: 'mercator' | 'geographic';
  /** Name of the matrix of each level; levels below the first are undefined. */
  readonly labels: readonly (string | undefined)[];
  /** West, south, east, north in degrees. */
  readonly bounds: readonly [number, number, number, number] | undefined;
  /** Values of further dimensions, such as time. */
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Layers in pictures a browser shows and on a grid that a globe takes, in the document's order. `address` resolves hrefs. */
export function readWmtsLayers(document: Document, address: string): WmtsLayer[] {
  const contents = childrenOf(document.documentElement, 'Contents')[0];
  if (contents === undefined) return [];
  const sets = childrenOf(contents, 'TileMatrixSet')
    .map(readMatrixSet)
    .filter((set) => set !== undefined);
  sets.sort((a, b) => Number(b.grid === 'mercator') - Number(a.grid === 'mercator'));
  const queryBase = findQueryBase(document, address);
  return childrenOf(contents, 'Layer').flatMap((layer): WmtsLayer[] => {
    const id = textOf(layer, 'Identifier');
    const linked = childrenOf(layer, 'TileMatrixSetLink').map((link) => textOf(link, 'TileMatrixSet'));
    const set = sets.find((candidate) => linked.includes(candidate.id));
    const styles = childrenOf(layer, 'Style');
    const style = styles.find((candidate) => candidate.getAttribute('isDefault') === 'true') ?? styles[0];
    const resources = childrenOf(layer, 'ResourceURL').filter(
      (resource) => resource.getAttribute('resourceType') === 'tile',
    );
    const formats = [
      ...resources.map((resource) => resource.getAttribute('format') ?? ''),
      ...childrenOf(layer, 'Format').map((format) => format.textContent?.trim() ?? ''),
    ];
    const format = formats.find((name) => /^image\/(png|jpe?g|webp|gif|vnd\.jpeg-png)/i.test(name));
    if (id === '' || set === undefined || format === undefined) return [];
    const dimensions = Object.fromEntries(
      childrenOf(layer, 'Dimension').map((dimension) => [
        textOf(dimension, 'Identifier'),
        textOf(dimension, 'Default') || textOf(dimension, 'Value'),
      ]),
    );
    const resource = resources.find((candidate) => candidate.getAttribute('format') === format);
    const template = resource?.getAttribute('template');
    const url = template ? resolveTemplate(fillTemplate(template, dimensions), address) : queryBase;
    return [
      {
        id,
        title: textOf(layer, 'Title') || id,
        url,
        style: style ? textOf(style, 'Identifier') : '',
        format,
        matrixSet: set.id,
        grid: set.grid,
        labels: set.labels,
        bounds: readBounds(layer),
        dimensions: template ? {} : dimensions,
      },
    ];
  });
}

function readMatrixSet(element: Element) {
  const id = textOf(element, 'Identifier');
  const crs = textOf(element, 'SupportedCRS');
  const grid = /(3857|900913|102100|102113|3785)$/.test(crs)
    ? 'mercator'
    : /(EPSG.*4326|CRS:?84|OGC:1\.3:CRS84)$/i.test(crs)
      ? 'geographic'
      : undefined;
  if (id === '' || grid === undefined) return undefined;
  const labels: (string | undefined)[] = [];
  for (const matrix of childrenOf(element, 'TileMatrix')) {
    // The scale tells the level also where a set covers only part of the world: 0.28 mm pixels, 256 of them a tile.
    const scale = Number(textOf(matrix, 'ScaleDenominator'));
    const tileWidth = Number(textOf(matrix, 'TileWidth')) || 256;
    const levelZero = grid === 'mercator' ? 559_082_264.029 : 279_541_132.014;
    const level = Math.log2((levelZero / scale) * (256 / tileWidth));
    if (Number.isFinite(level) && level > -0.01 && Math.abs(level - Math.round(level)) < 0.01) {
      labels[Math.round(level)] = textOf(matrix, 'Identifier');
    }
  }
  return labels.length === 0 ? undefined : ({ id, grid, labels: Array.from(labels) } as const);
}

function readBounds(layer: Element): WmtsLayer['bounds'] {
  const box = childrenOf(layer, 'WGS84BoundingBox')[0];
  if (box === undefined) return undefined;
  const [west, south] = textOf(box, 'LowerCorner').split(/\s+/).map(Number);
  const [east, north] = textOf(box, 'UpperCorner').split(/\s+/).map(Number);
  if (west === undefined || south === undefined || east === undefined || north === undefined) return undefined;
  const sound = [west, south, east, north].every(Number.isFinite) && south < north && west !== east;
  return sound ? [Math.max(west, -180), Math.max(south, -90), Math.min(east, 180), Math.min(north, 90)] : undefined;
}

function findQueryBase(document: Document, address: string): string {
  const operation = [...document.getElementsByTagNameNS('*', 'Operation')].find(
    (candidate) => candidate.getAttribute('name') === 'GetTile',
  );
  const get = operation?.getElementsByTagNameNS('*', 'Get')[0];
  const href = get?.getAttributeNS('http://www.w3.org/1999/xlink', 'href') ?? get?.getAttribute('xlink:href');
  if (href) return new URL(href, address).href;
  const base = new URL(address);
  base.search = '';
  return base.href;
}

function fillTemplate(template: string, dimensions: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (braced, name: string) => {
    const known = Object.entries(dimensions).find(([key]) => key.toLowerCase() === name.toLowerCase());
    return known ? known[1] : braced;
  });
}

/** Relative templates count from the document; braces stay as they are. */
function resolveTemplate(template: string, address: string): string {
  const resolved = new URL(template, address).href;
  return resolved.replace(/%7B/gi, '{').replace(/%7D/gi, '}');
}

function childrenOf(element: Element, name: string): Element[] {
  return [...element.children].filter((child) => child.localName === name);
}

function textOf(element: Element, name: string): string {
  return childrenOf(element, name)[0]?.textContent?.trim() ?? '';
}
