import { expect, test } from '@jest/globals';
import { startError } from '../../../src/host/start-errors.ts';

test.each([
  ['executable file `nosuch` not found in $PATH: No such file or directory', 'COMMAND_NOT_FOUND'],
  [
    'runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
    'COMMAND_NOT_FOUND',
  ],
  [
    'runc create failed: unable to start container process: exec: "/x": stat /x: no such file or directory',
    'COMMAND_NOT_FOUND',
  ],
  ['open executable: Permission denied', 'COMMAND_NOT_EXECUTABLE'],
  ['exec failed: unable to start container process: exec: "/x": permission denied', 'COMMAND_NOT_EXECUTABLE'],
  ['exec: Exec format error', 'COMMAND_NOT_EXECUTABLE'],
  ['mount `/none` to `data`: No such file or directory', 'CONTAINER_START_FAILED'],
  [
    'runc create failed: unable to start container process: error mounting "/x" to rootfs: permission denied',
    'CONTAINER_START_FAILED',
  ],
  ['cannot chdir to `/work`: No such file or directory', 'CONTAINER_START_FAILED'],
])('%s is %s', (text, code) => {
  expect(startError(text).code).toBe(code);
});

test('the message of a log line is shown without its decoration', () => {
  const line = 'time="2026-01-01T00:00:00Z" level=error msg="runc create failed: no \\"space\\" left"';
  expect(startError(`warning\n${line}\n`).message).toBe('no "space" left');
});
