#!/usr/bin/env node
/** The command `relievo`: words typed to options, errors to one sentence and an exit code (`EXIT`). */
import { Command, CommanderError } from 'commander';
import { EXIT, exitCodeOf, RelievoError } from '../error.ts';
import { VERSION } from '../version.ts';
import { addBuildCommand } from './build.ts';
import { addExportCommand } from './export.ts';
import { addInfoCommand } from './info.ts';
import { Interrupted } from './interrupt.ts';
import { addPrepareCommand } from './prepare.ts';
import { addSampleCommand } from './sample.ts';
import { addServeCommand } from './serve.ts';
import { addVerifyCommand } from './verify.ts';

if (Number(process.versions.node.split('.')[0]) < 22) {
  process.stderr.write(`relievo: Relievo needs Node 22.13 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}

const program = new Command('relievo')
  .description('Turns elevation rasters into terrain that a globe can stream.')
  .version(VERSION)
  .configureHelp({ showGlobalOptions: false })
  .showHelpAfterError('(see --help)')
  .exitOverride();
addBuildCommand(program);
addServeCommand(program);
addPrepareCommand(program);
addInfoCommand(program);
addExportCommand(program);
addSampleCommand(program);
addVerifyCommand(program);

// Whoever reads the output may stop reading (`| head`): that is the end of the work and no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  const failed = Number(process.exitCode ?? EXIT.failed);
  // Commander has said its sentence itself; help and version are no mistakes.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof Interrupted) {
    process.stderr.write(`relievo: ${error.message}\n`);
    return failed;
  }
  if (error instanceof RelievoError && error.code !== 'internal') {
    const place = error.where && !error.message.includes(error.where) ? `${error.where}: ` : '';
    process.stderr.write(`relievo: ${place}${error.message}\n`);
    return exitCodeOf(error, failed);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`relievo: this is a fault of Relievo, please report it: ${text}\n`);
  return failed;
}
