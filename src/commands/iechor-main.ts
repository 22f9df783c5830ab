import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Compiled code is kept between runs; without a place for it the start is slower and nothing else.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'iechor', 'code'));

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { runLine } = await import('./run-line.ts');
const status = await runLine(process.argv.slice(2));
// A pipe takes what fits into it; the rest is written while its reader reads, and must not be lost.
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => (stream.writableLength === 0 ? resolve() : stream.write('', () => resolve())));
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// Streams that are still open (a container that goes on, a wait nobody needs any more) must not hold the command.
process.exit(status);
