import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Compiled code is kept between runs; without a place for it the start is slower and nothing else.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'iechor', 'code'));

const { program } = await import('./program.ts');
await program(process.argv.slice(2));
