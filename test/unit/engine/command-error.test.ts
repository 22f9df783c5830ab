import { expect, test } from '@jest/globals';
import { IechorError } from '../../../src/common/error.ts';
import type { ErrorCode } from '../../../src/common/error-catalogue.ts';
import { inDockersWords } from '../../../src/engine/command-error.ts';

test.each<[ErrorCode, string, string, string]>([
  ['COMMAND_NOT_FOUND', 'executable file `x` not found in $PATH', 'x', 'exec: "x": executable file not found in $PATH'],
  ['COMMAND_NOT_FOUND', 'open executable: No such file', '/x', 'exec: "/x": stat /x: no such file or directory'],
  ['COMMAND_NOT_EXECUTABLE', 'open executable: Permission denied', '/x', 'exec: "/x": permission denied'],
  ['COMMAND_NOT_EXECUTABLE', 'open executable: Is a directory', '/x', 'exec: "/x": is a directory: permission denied'],
  ['COMMAND_NOT_EXECUTABLE', 'exec: Exec format error', '/x', 'exec: "/x": exec format error'],
  ['CONTAINER_START_FAILED', 'no such thing', '/x', 'no such thing'],
])('%s (%s) is said as Docker says it', (code, message, command, expected) => {
  const said = inDockersWords(new IechorError(code, message, { hint: 'look' }), command);
  expect(said).toMatchObject({ code, message: expected, hint: 'look' });
});
