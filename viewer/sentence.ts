/** An error whose message is written for the reader of the page, and shown as it is. */
export class Sentence extends Error {
  override readonly name = 'Sentence';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** The sentence to show for anything that was thrown; `otherwise` when it holds none. */
export function sentenceOf(error: unknown, otherwise: string): string {
  return error instanceof Sentence ? error.message : otherwise;
}
