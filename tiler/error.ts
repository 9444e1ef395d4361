/** The one error class. A message is a sentence for the user: what was expected, what came, what to change. */

/** What went wrong, in a word that HTTP statuses and exit codes are looked up by (`exitCodeOf`, `server/http/errors.ts`). */
export type ErrorCode =
  | 'usage' // the words typed are wrong: unknown option, value out of range
  | 'input-missing' // a file or folder that was named is not there, or cannot be opened
  | 'input-invalid' // a file that is broken, or not what its name says
  | 'input-unsupported' // a sound file that Relievo cannot use
  | 'crs' // no coordinate reference system, an unknown one, or positions outside its world
  | 'datum' // heights whose vertical datum is unknown or whose grid is missing
  | 'output-refused' // writing there would destroy something that is not ours
  | 'output-unwritable' // the place cannot be written: permissions, space
  | 'address-invalid' // a tile address that cannot exist
  | 'not-found' // no such layer or tile
  | 'busy' // too much to do; try later
  | 'address-in-use' // the port is taken
  | 'internal'; // our own fault

export interface ErrorPlace {
  /** File, tile, option or address that the error is about. */
  readonly where?: string | undefined;
  readonly cause?: unknown;
}

export class RelievoError extends Error {
  override readonly name = 'RelievoError';
  readonly code: ErrorCode;
  readonly where: string | undefined;

  /** Line breaks and other control characters, which a file's own words may hold, become spaces: a message is one line. */
  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(message.replace(/\p{Cc}+/gu, ' '), place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.where = place.where;
  }
}

/** What a command ends with that failed; 0 when it is done. */
export const EXIT = {
  failed: 1,
  usage: 2,
  /** Of `verify`, for which 1 is a verdict: there is none. */
  unjudged: 3,
} as const;

/** 2 for words typed wrongly, and for everything else what the command says: 1 by default. */
export function exitCodeOf(error: unknown, otherwise: number = EXIT.failed): number {
  return error instanceof RelievoError && error.code === 'usage' ? EXIT.usage : otherwise;
}
