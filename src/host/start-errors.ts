import { IechorError } from '../common/error.ts';

/** What crun and runc say when there is no such program, and when there is one that cannot be executed. */
const notFound =
  /executable file .*not found|chdir `[^`]*`: No such file|open executable: No such file|exec: "[^"]*": (stat [^:]*: )?no such file|exec container process.*No such file|^exec .*: no such file|exec: No such file/im;
const notExecutable =
  /open executable: (Permission denied|Operation not permitted|Is a directory)|exec: "[^"]*": (permission denied|is a directory)|exec.*: exec format error|exec container process.*Permission denied|exec: Permission denied/im;

/** 127 or 126 where a runtime's message says that the program is missing or cannot be executed. */
export function execFailureCode(message: string): 126 | 127 | undefined {
  if (notFound.test(message)) return 127;
  if (notExecutable.test(message)) return 126;
  return undefined;
}

/** COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE or CONTAINER_START_FAILED from what the runtime wrote. */
export function startError(message: string, cause?: unknown): IechorError {
  const text = runtimeMessage(message);
  const code = execFailureCode(text);
  if (code === 127) {
    return new IechorError('COMMAND_NOT_FOUND', text, {
      hint: "check the spelling of the command, and that the image contains it on the container's PATH",
      cause,
    });
  }
  if (code === 126) {
    return new IechorError('COMMAND_NOT_EXECUTABLE', text, {
      hint: 'the file needs execute permission, a "#!" line with an interpreter of the image, and the right architecture',
      cause,
    });
  }
  return new IechorError('CONTAINER_START_FAILED', text || 'the container could not be started', { cause });
}

/** The message in a runtime's output: JSON or text log lines, the last one, without its decoration. */
export function runtimeMessage(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const last = lines.at(-1) ?? '';
  const json = /^\{.*"msg":\s*("(?:[^"\\]|\\.)*")/.exec(last)?.[1];
  const text = /^time=.*level=\w+ msg=("(?:[^"\\]|\\.)*")/.exec(last)?.[1];
  const quoted = json ?? text;
  const plain = quoted === undefined ? last : unquote(quoted);
  return plain.replace(/^(runc (create|run|start) failed|exec failed|container_linux\.go:\d+): /, '');
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}
