/** Second names of flags, for people who come from other tilers. */
import { type Command, InvalidArgumentError } from 'commander';
import { RelievoError } from '../error.ts';

/** `--normals` for `--extensions octvertexnormals`, `--quality` for `--max-error-factor`. */
export function addAliases(command: Command): Command {
  return command
    .option('--normals', 'the same as --extensions octvertexnormals')
    .option('--quality <number>', 'the same as --max-error-factor', (text) => {
      const value = Number(text);
      if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number');
      return value;
    });
}

/** Puts what was typed under a second name under the first; both at once is refused. */
export function applyAliases(typed: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { normals, quality, ...others } = typed;
  const rest: Record<string, unknown> = others;
  if (normals !== undefined) {
    refuseBoth(rest.extensions, '--normals', '--extensions');
    rest.extensions = ['octvertexnormals'];
  }
  if (quality !== undefined) {
    refuseBoth(rest.maxErrorFactor, '--quality', '--max-error-factor');
    rest.maxErrorFactor = quality;
  }
  return rest;
}

function refuseBoth(other: unknown, alias: string, flag: string): void {
  if (other !== undefined) throw new RelievoError('usage', `${alias} and ${flag} say the same: give one of them`);
}
