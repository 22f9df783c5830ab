import { runLine } from './run-line.ts';

/** The program: runs one command line (without node and program), writes out what it prints, and exits with its status. */
export async function program(argv: readonly string[]): Promise<never> {
  process.stdout.on('error', unwritable);
  const status = await runLine(argv);
  // A pipe takes what fits into it; the rest is written while its reader reads, and must not be lost.
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // The event may not have come yet.
  if (process.stdout.errored) unwritable(process.stdout.errored);
  // Streams that are still open (a container that goes on, a wait nobody needs any more) must not hold the command.
  process.exit(status);
}

/** Nobody reads any more: that is no failure. A full disk is one. */
function unwritable(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`iechor: the output cannot be written: ${error.message}\n`);
  process.exit(1);
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => (stream.writableLength === 0 ? resolve() : stream.write('', () => resolve())));
