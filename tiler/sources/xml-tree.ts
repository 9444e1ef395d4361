/**
 * XML as a tree: no document type, so no entities of its own, no file or address is ever opened by it, and what is nested
 * too deep is refused. The only door to the parser.
 */
import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { RelievoError } from '../error.ts';

export type { XmlElement } from '@rgrove/parse-xml';

/** The root element. Refuses with `input-invalid` what is no well-formed XML. */
export function readXml(text: string, path: string): XmlElement {
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) {
    throw new RelievoError('input-invalid', `${path} has a document type (DTD) of its own; expected plain XML.`, {
      where: path,
    });
  }
  let root: XmlElement | null;
  try {
    root = parseXml(text).root;
  } catch (cause) {
    const line =
      cause instanceof Error && !(cause instanceof RangeError) ? cause.message.split('\n', 1)[0] : 'too deep';
    throw new RelievoError('input-invalid', `${path} is no well-formed XML (${line?.slice(0, 160)}); get it again.`, {
      where: path,
      cause,
    });
  }
  if (root !== null) return root;
  throw new RelievoError('input-invalid', `${path} is XML without an element; get it again.`, { where: path });
}

export function childrenOf(element: XmlElement, name?: string): XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement => child instanceof XmlElement && (name === undefined || child.name === name),
  );
}

export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return childrenOf(element, name)[0];
}

/** Trimmed text of the element. */
export function textOf(element: XmlElement): string {
  return element.text.trim();
}

export function attributeOf(element: XmlElement, name: string): string | undefined {
  const value: unknown = element.attributes[name];
  return typeof value === 'string' ? value : undefined;
}
