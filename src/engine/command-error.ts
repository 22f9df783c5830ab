import { IechorError, isIechorError, messageOf } from '../common/error.ts';

/**
 * A command that could not be run, said as Docker says it: its clients tell exit codes 127 and 126 from these words.
 * Other errors come back as they are.
 */
export function inDockersWords(error: unknown, command: string): unknown {
  if (!isIechorError(error)) return error;
  const { code, hint } = error;
  if (code !== 'COMMAND_NOT_FOUND' && code !== 'COMMAND_NOT_EXECUTABLE') return error;
  return new IechorError(code, `exec: ${JSON.stringify(command)}: ${reasonOf(code, command, messageOf(error))}`, {
    hint,
    cause: error,
  });
}

function reasonOf(code: 'COMMAND_NOT_FOUND' | 'COMMAND_NOT_EXECUTABLE', command: string, message: string): string {
  if (code === 'COMMAND_NOT_FOUND') {
    return command.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
  }
  if (/exec format error/i.test(message)) return 'exec format error';
  return /is a directory/i.test(message) ? 'is a directory: permission denied' : 'permission denied';
}
