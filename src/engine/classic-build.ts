import type { ProgressMessage } from '../api/types/image.ts';

/**
 * A build's messages in the dress of Docker's classic builder, for clients that read lines alone: what commands write to
 * standard error in red, `Using cache` also after instructions that make no layer, and its words for a command that fails.
 */
export async function* inClassicDress(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage> {
  for await (const { iechor, ...message } of withCacheMarks(messages)) {
    if (message.summary || message.derivation) continue;
    if (message.error !== undefined) yield { ...message, ...classicFailure(message) };
    else if (iechor?.stderr) yield { stream: `\x1b[91m${message.stream}\x1b[0m` };
    else yield message;
  }
}

/**
 * Whether an instruction without a layer comes from the cache is seen at the next one with a layer: what begins is held
 * until then. Stages side by side are left as they are.
 */
async function* withCacheMarks(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage> {
  let held: ProgressMessage[] = [];
  let inOrder = false;
  let cached = false;
  const release = () => {
    const lines = held.flatMap((begun) => {
      const isMarked = cached && begun.iechor?.inStage === undefined;
      return isMarked ? [begun, { stream: ' ---> Using cache\n' }] : [begun];
    });
    held = [];
    return lines;
  };
  for await (const message of messages) {
    const { status, inStage } = message.iechor ?? {};
    inOrder ||= inStage?.alone === true;
    if (inOrder && status === 'begun') {
      held.push(message);
      continue;
    }
    if (status === 'cached' || status === 'running') cached = status === 'cached';
    yield* release();
    yield message;
  }
  yield* release();
}

function classicFailure({ error = '', errorDetail }: ProgressMessage): ProgressMessage {
  const [, command, code] =
    /process ("(?:[^"\\]|\\.)*") did not complete successfully: exit code: (\d+)/.exec(error) ?? [];
  if (command === undefined) return {};
  const message = `The command '${JSON.parse(command)}' returned a non-zero code: ${code}`;
  return { error: message, errorDetail: { ...errorDetail, message, code: Number(code) } };
}
