import { execFile } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { projectFiles } from '../compose/source/project-files.ts';

test('output that a pipe does not hold at once is written whole', async () => {
  const services = Array.from({ length: 3000 }, (_, at) => `  s${at}: {image: x, hostname: ${'h'.repeat(60)}}`);
  using files = projectFiles({ 'compose.yaml': ['services:', ...services, ''].join('\n') });
  const program = new URL('../../../src/commands/iechor-main.ts', import.meta.url).pathname;
  const output = await new Promise<string>((resolve) => {
    const options = { cwd: files.directory, maxBuffer: 2 ** 26 };
    execFile(process.execPath, [program, 'compose', 'config'], options, (_error, stdout) => resolve(stdout));
  });
  expect(output.match(/hostname:/g)).toHaveLength(3000);
  expect(output.endsWith('\n')).toBe(true);
});
