import type { ProgressMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { printProgress } from './progress-stream.ts';

const modes = ['auto', 'plain', 'rawjson', 'quiet'] as const;
type Mode = (typeof modes)[number];

/** Reads `--progress`. Throws USAGE, also for what there is not yet. */
export function readProgressMode(text: string | undefined): Mode {
  const mode = modes.find((candidate) => candidate === (text ?? 'auto'));
  if (mode) return mode;
  throw new IechorError('USAGE', `--progress=${text} is not known`, { hint: 'it takes auto, plain, rawjson or quiet' });
}

/** Shows a build's messages on standard error: as lines, as JSON (one message a line), or not at all. */
export function showBuild(messages: AsyncIterable<ProgressMessage>, mode: Mode): ReturnType<typeof printProgress> {
  const sink = process.stderr;
  if (mode === 'quiet') return printProgress(messages, { sink: undefined });
  if (mode === 'rawjson') return printProgress(asJson(messages, sink), { sink: undefined });
  return printProgress(inOurWords(messages), { sink });
}

async function* asJson(
  messages: AsyncIterable<ProgressMessage>,
  sink: NodeJS.WritableStream,
): AsyncGenerator<ProgressMessage> {
  for await (const message of messages) {
    sink.write(`${JSON.stringify(message)}\n`);
    yield message;
  }
}

const slowMs = 1000;
const slowestShown = 3;

/** Steps that were not done again say so in one word, and the end says which were slow. */
async function* inOurWords(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage> {
  const slow: { readonly instruction: string; readonly ms: number }[] = [];
  for await (const message of messages) {
    const { status, instruction = '', ms = 0 } = message.iechor ?? {};
    if (status === 'done' && ms >= slowMs) slow.push({ instruction, ms });
    yield status === 'cached' ? { ...message, stream: ' ---> CACHED\n' } : message;
  }
  const slowest = slow.toSorted((a, b) => b.ms - a.ms).slice(0, slowestShown);
  for (const { instruction, ms } of slowest) {
    yield { stream: `slow: ${(ms / 1000).toFixed(1)} s ${instruction.replace(/\s+/g, ' ').slice(0, 100)}\n` };
  }
}
