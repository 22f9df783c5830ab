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
    return notFound(command);
  }
  if (/exec format error/i.test(message)) return 'exec format error';
  return /is a directory/i.test(message) ? 'is a directory: permission denied' : 'permission denied';
}

const notFound = (command: string) =>
  command.includes('/') ? `stat ${command}: no such file or directory` : 'executable file not found in $PATH';

const runtimeWords: readonly (readonly [pattern: RegExp, words: (command: string, found: string) => string])[] = [
  [/^executable file `.*` not found in \$PATH/, (command) => `exec: ${JSON.stringify(command)}: ${notFound(command)}`],
  [/^chdir `(.*)`: (?:No such file|Not a directory)/, (_, cwd) => `${inConfig(cwd)}: no such file or directory`],
  [/^chdir (?:to )?`(.*)`: Permission denied/, (_, cwd) => `${inConfig(cwd)}: permission denied`],
  [/^open executable: No such file/, (command) => `exec: ${JSON.stringify(command)}: ${notFound(command)}`],
  [
    /^open executable: (?:Operation not permitted|Is a directory)/,
    (command) => `exec: ${JSON.stringify(command)}: ${isDirectory}`,
  ],
  [/^open executable: Permission denied/, (command) => `exec: ${JSON.stringify(command)}: permission denied`],
];
const isDirectory = 'is a directory: permission denied';
const inConfig = (cwd: string) => `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed`;

/** The failure of a further process in Docker's words, from what the runtime wrote; undefined for anything else. */
export function execFailure(said: string, command: string): string | undefined {
  for (const [pattern, words] of runtimeWords) {
    const found = pattern.exec(said);
    if (!found) continue;
    const reason = words(command, found[1] ?? '');
    return `OCI runtime exec failed: exec failed: unable to start container process: ${reason}`;
  }
  return undefined;
}
