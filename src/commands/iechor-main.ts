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
// Streams that are still open (a container that goes on, a wait nobody needs any more) must not hold the command.
process.exit(await runLine(process.argv.slice(2)));
