/** Colours for terminals: none where the output goes elsewhere, or where the user asks for none (no-color.org). */
import { styleText } from 'node:util';

export type Paint = (style: 'title' | 'label' | 'good' | 'warn', text: string) => string;

const STYLES = { title: 'bold', label: 'dim', good: 'green', warn: 'yellow' } as const;

export function openPaint(stream: { readonly isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv): Paint {
  const wanted = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return wanted ? (style, text) => styleText(STYLES[style], text, { validateStream: false }) : (_, text) => text;
}

/** Words on lines of at most `width` characters; a longer word has a line of its own. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
