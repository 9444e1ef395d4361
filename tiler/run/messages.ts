/** What the main thread and its workers say to each other. */
import { type ErrorCode, RelievoError } from '../error.ts';
import type { Job, JobReport } from '../pyramid/job.ts';
import type { TerrainSpec } from '../pyramid/terrain-maker.ts';

export type ToWorker =
  /** The first that it hears. */
  | { readonly type: 'open'; readonly spec: TerrainSpec }
  | { readonly type: 'run'; readonly ticket: number; readonly job: Job }
  | { readonly type: 'abort'; readonly ticket: number };

export type FromWorker =
  | { readonly type: 'open' }
  | { readonly type: 'prepare'; readonly ticket: number; readonly done: number; readonly total: number }
  | { readonly type: 'wait'; readonly ticket: number; readonly who: string }
  | { readonly type: 'tiles'; readonly ticket: number; readonly count: number }
  | { readonly type: 'done'; readonly ticket: number; readonly report: JobReport }
  | { readonly type: 'failed'; readonly ticket: number | undefined; readonly failure: Failure };

/** An error as it crosses between threads, where classes are lost. */
export interface Failure {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly where: string | undefined;
  readonly stack: string | undefined;
}

export function packError(error: unknown): Failure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof RelievoError;
  return { code: known ? error.code : undefined, message, where: known ? error.where : undefined, stack };
}

export function unpackError({ code, message, where, stack }: Failure): Error {
  if (code) return new RelievoError(code, message, { where });
  const error = new Error(message);
  if (stack) error.stack = stack;
  return error;
}
