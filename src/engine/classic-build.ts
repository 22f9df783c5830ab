import { createHash } from 'node:crypto';
import type { BuildStepProgress, ProgressMessage } from '../api/types/image.ts';

/**
 * A build's messages in the dress of Docker's classic builder, for clients that read lines alone: an id after every
 * step, the container of a command, `Using cache` also after instructions that make no layer, what commands write to
 * standard error in red, and its words for what fails.
 */
export async function* inClassicDress(
  messages: AsyncIterable<ProgressMessage>,
  { imageOf, keepsContainers }: ClassicOptions,
): AsyncGenerator<ProgressMessage> {
  let hasRun = false;
  const ids = new Map<string, string>();
  for await (const { message, cached } of withCacheMarks(messages)) {
    const { iechor, ...plain } = message;
    if (plain.summary || plain.derivation) continue;
    hasRun ||= iechor?.status === 'running' && isRun(iechor);
    if (plain.error !== undefined) yield { ...plain, ...classicFailure(message) };
    else if (plain.aux && keepsContainers && hasRun) yield* [notKept, plain];
    else if (iechor?.stderr) yield { stream: `\x1b[91m${plain.stream}\x1b[0m` };
    else if (iechor) yield* stepLines({ message: plain, step: iechor, cached }, ids, { imageOf, keepsContainers });
    else yield plain;
  }
}

export interface ClassicOptions {
  /** The id of an image that FROM names. */
  imageOf(name: string): string | undefined;
  /** The client asks that the containers of steps stay (`rm=0`): there are none, which it is told. */
  readonly keepsContainers: boolean;
}

const isRun = ({ instruction }: BuildStepProgress) => /^RUN\b/i.test(instruction);
const notKept = {
  stream: '[Warning] rm=0 is without effect: a step runs in a container that ends with it, and is not kept\n',
};

/** The lines of one message of a step; `ids` are those that the stages have come to. */
function stepLines(
  { message, step, cached }: { message: ProgressMessage; step: BuildStepProgress; cached: boolean },
  ids: Map<string, string>,
  { imageOf, keepsContainers }: ClassicOptions,
): readonly ProgressMessage[] {
  const { stage, instruction, status } = step;
  const here = ids.get(stage) ?? '';
  const container = shortHash(`container ${here} ${instruction}`);
  const id = (text: string) => {
    ids.set(stage, text);
    return { stream: ` ---> ${text}\n` };
  };
  const next = () => id(shortHash(`${here} ${instruction}`));
  const running = { stream: ` ---> Running in ${container}\n` };
  const removed = keepsContainers ? [] : [{ stream: ` ---> Removed intermediate container ${container}\n` }];
  if (status === 'begun') {
    const [, base] = /^FROM\s+(?:--\S+\s+)*(\S+)/i.exec(instruction) ?? [];
    if (base !== undefined) return [message, id(imageOf(base) ?? ids.get(base) ?? shortHash(base))];
    if (step.inStage) return [message];
    return cached ? [message, usingCache, next()] : [message, running, ...removed, next()];
  }
  if (status === 'running') return isRun(step) ? [running] : [];
  if (status === 'cached') return [message, next()];
  if (status !== 'done') return [message];
  ids.set(stage, / ---> (\w+)/.exec(message.stream ?? '')?.[1] ?? here);
  return isRun(step) ? [...removed, message] : [message];
}

const usingCache = { stream: ' ---> Using cache\n' };
const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

interface Marked {
  readonly message: ProgressMessage;
  /** The step with a layer that is next came from the cache. */
  readonly cached: boolean;
}

/**
 * Whether an instruction without a layer comes from the cache is seen at the next one with a layer: what begins is held
 * until then. Stages side by side are left as they are.
 */
async function* withCacheMarks(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<Marked> {
  const held: ProgressMessage[] = [];
  let inOrder = false;
  let cached = false;
  const release = () => held.splice(0).map((message) => ({ message, cached }));
  for await (const message of messages) {
    const { status, inStage } = message.iechor ?? {};
    // That a base is there is told without a line.
    if (status === 'done' && message.stream === '') continue;
    inOrder ||= inStage?.alone === true;
    if (inOrder && status === 'begun') {
      held.push(message);
      continue;
    }
    if (status === 'cached' || status === 'running') cached = status === 'cached';
    yield* release();
    yield { message, cached };
  }
  yield* release();
}

/** What the classic builder says of a failure, by what ours says. */
const failures: readonly (readonly [pattern: RegExp, words: (found: readonly string[]) => string])[] = [
  [/^(.+):1:1 the file is empty/, ([, file]) => `the Dockerfile (${file}) cannot be empty`],
  [/^.+:\d+:\d+ (file with no instructions)/, ([, words]) => `failed to parse Dockerfile: ${words}`],
  [
    /^.+:\d+:\d+ "\/?(.*)": not found in the build context/,
    ([, path]) =>
      `COPY failed: file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`,
  ],
  [/^there is no build file:? (?:iEchorfile, )?([^,\s]+)/, ([, file]) => `Cannot locate specified Dockerfile: ${file}`],
];

function classicFailure({ error = '', errorDetail, iechor }: ProgressMessage): ProgressMessage {
  const [, command, code] =
    /process ("(?:[^"\\]|\\.)*") did not complete successfully: exit code: (\d+)/.exec(error) ?? [];
  if (command !== undefined) {
    const message = `The command '${JSON.parse(command)}' returned a non-zero code: ${code}`;
    return { error: message, errorDetail: { ...errorDetail, message, code: Number(code) } };
  }
  const message = saidClassically(error, errorDetail?.reason === 'BUILD_SYNTAX' && iechor === undefined);
  return message === error ? {} : { error: message, errorDetail: { ...errorDetail, message } };
}

function saidClassically(error: string, isParse: boolean): string {
  for (const [pattern, words] of failures) {
    const found = pattern.exec(error);
    if (found) return words(found);
  }
  return isParse ? error.replace(/^.+?:(\d+):\d+ /, 'dockerfile parse error on line $1: ') : error;
}
