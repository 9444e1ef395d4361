/** HTML and SVG as text in which every value is escaped, and figures as people read them. */

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | undefined | false | readonly Part[];

/** A template whose values are escaped, unless they are markup; nothing stands for undefined and false. */
export function markup(words: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(words.reduce((text, word, i) => text + partText(parts[i - 1]) + word));
}

function partText(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(partText).join('');
  return escapeText(String(part));
}

/** Fit for element content and for attributes in double quotes; control characters, which HTML forbids, are shown. */
export function escapeText(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      .replaceAll(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd')
  );
}

/** `12 345`, with thin spaces that do not break. */
export function countText(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** Three figures that count, without an exponent: `17 452`, `4.71`, `0.0312`. */
export function figureText(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  const size = Math.abs(value);
  const sign = value < 0 ? '\u2212' : '';
  if (size >= 999.5) return sign + countText(size);
  if (size < 0.0005) return size === 0 ? '0' : `${sign}<0.001`;
  return sign + size.toFixed(Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(size)))));
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${figureText(bytes / 1000 ** step)}\u00a0${units[step]}`;
}

/** `20.7083° N` or `156.2533° W`. */
export function placeText(lon: number, lat: number): string {
  const east = ((((lon + 180) % 360) + 360) % 360) - 180;
  return `${Math.abs(lat).toFixed(4)}°\u00a0${lat < 0 ? 'S' : 'N'}, ${Math.abs(east).toFixed(4)}°\u00a0${east < 0 ? 'W' : 'E'}`;
}
