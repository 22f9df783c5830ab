// A source file has at most 300 lines: past that it holds more than one thing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const limit = 300;
const tooLong = readdirSync('src', { recursive: true })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file: join('src', file), lines: readFileSync(join('src', file), 'utf8').split('\n').length - 1 }))
  .filter(({ lines }) => lines > limit);
for (const { file, lines } of tooLong) console.log(`${file}: ${lines} lines, at most ${limit}`);
process.exit(tooLong.length === 0 ? 0 : 1);
