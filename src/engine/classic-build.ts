import type { BuildStepProgress, ProgressMessage } from '../api/types/image.ts';
import type { Builder } from '../build/builder.ts';
import type { StepContainer } from '../build/ports.ts';
import { type BuildQuery, buildImage } from './build.ts';
import type { EngineContext } from './context.ts';
import { keepStepContainer } from './step-container.ts';

/**
 * Builds as the classic builder does: stage by stage, with an image after every step. A step's container stays with
 * `rm=0`, and where its command fails, unless `forcerm` is set.
 */
export function classicBuild(
  context: EngineContext,
  builder: Builder,
  request: BuildQuery,
): AsyncGenerator<ProgressMessage> {
  const { rm = true, forcerm: forcesRemoval = false, cachefrom = [] } = request;
  const keepsContainers = !rm && !forcesRemoval;
  const keep = async (container: StepContainer) => {
    const isFailure = (container.ran?.exitCode ?? 0) !== 0;
    if (keepsContainers || (isFailure && !forcesRemoval)) await keepStepContainer(context, container);
  };
  const cacheFrom = cachefrom.flatMap((name) => context.images.find(name) ?? []);
  const messages = buildImage(context, builder, { ...request, classic: { cacheFrom, keep } });
  return inClassicDress(messages, { keepsContainers, forcesRemoval });
}

/**
 * A classic build's messages in the dress of Docker's classic builder, for clients that read lines alone: an image after
 * every step, the container of a command, what commands write to standard error in red, and its words for what fails.
 */
export async function* inClassicDress(
  messages: AsyncIterable<ProgressMessage>,
  { keepsContainers, forcesRemoval }: ClassicOptions,
): AsyncGenerator<ProgressMessage> {
  let triggers = 0;
  let running: string | undefined;
  for await (const message of messages) {
    const { iechor, ...plain } = message;
    if (plain.summary || plain.derivation || plain.warning) continue;
    if (iechor?.trigger && iechor.status === 'begun') triggers += 1;
    if (iechor?.status === 'running' && isRun(iechor)) running = iechor.container;
    if (iechor?.status === 'done') running = undefined;
    if (plain.error !== undefined) {
      if (running !== undefined && forcesRemoval) yield removed(running);
      yield { ...plain, ...classicFailure(message) };
    } else if (iechor?.stderr) yield { stream: `\x1b[91m${plain.stream}\x1b[0m` };
    else if (iechor) yield* stepLines(plain, iechor, { triggers, keepsContainers });
    else yield plain;
  }
}

export interface ClassicOptions {
  /** The containers of steps stay (`rm=0`). */
  readonly keepsContainers: boolean;
  /** They go even where a step fails. */
  readonly forcesRemoval: boolean;
}

const isRun = ({ instruction }: BuildStepProgress) => /^RUN\b/i.test(instruction);
const isOfFiles = ({ instruction }: BuildStepProgress) => /^(?:FROM|COPY|ADD)\b/i.test(instruction);
const shortIdOf = (id = '') => id.replace(/^sha256:/, '').slice(0, 12);
const usingCache = { stream: ' ---> Using cache\n' };
const removed = (container = '') => ({ stream: ` ---> Removed intermediate container ${shortIdOf(container)}\n` });

/** The lines of one message of a step. Those that a base image asks for have no number, and one image together. */
function stepLines(
  message: ProgressMessage,
  step: BuildStepProgress,
  { triggers, keepsContainers }: { readonly triggers: number; readonly keepsContainers: boolean },
): readonly ProgressMessage[] {
  const { status, instruction, trigger, container } = step;
  const begun = { stream: ` ---> Running in ${shortIdOf(container)}\n` };
  const ended = keepsContainers ? [] : [removed(container)];
  switch (status) {
    case 'begun':
      if (!trigger) return [{ stream: `Step ${step.step - triggers}/${step.total - triggers} : ${instruction}\n` }];
      if (trigger.number > 1) return [];
      return [{ stream: `# Executing ${trigger.total} build trigger${trigger.total > 1 ? 's' : ''}\n` }];
    case 'running':
      return isOfFiles(step) ? [] : [begun];
    case 'done':
      return isOfFiles(step) ? [] : ended;
    case 'committed':
      return [
        ...(step.isCached === undefined ? [] : step.isCached ? [usingCache] : [begun, ...ended]),
        ...(trigger && trigger.number < trigger.total ? [] : [{ stream: ` ---> ${shortIdOf(step.image)}\n` }]),
      ];
    default:
      return [message];
  }
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
  [/^.+:\d+:\d+ "\/?(.*)": not found/, ([, path]) => `COPY failed: stat ${path}: file does not exist`],
  [
    /^.+:\d+:\d+ there is no build stage number (\S+)/,
    ([, number]) => `invalid from flag value ${number}: index out of bounds`,
  ],
  [
    /^.+:(\d+):\d+ cannot use the stage (\S+): it must stand before the stage \2\n +\1 \| COPY .*--from=(\S+)/,
    ([, , , name]) => `invalid from flag value ${name}: refers to current build stage`,
  ],
  [/^.+:\d+:\d+ (network \S+ not found)$/m, ([, words]) => `failed to set up container networking: ${words}`],
  [
    /^.+:\d+:\d+ there is no build stage ("[^"]*") to be the target/,
    ([, name]) => `target stage ${name} could not be found`,
  ],
  [
    /^.+:(\d+):\d+ SHELL requires its arguments as a JSON array/,
    ([, line]) => `dockerfile parse error on line ${line}: SHELL requires the arguments to be in JSON form`,
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
  const isParse = errorDetail?.reason === 'BUILD_SYNTAX' && iechor === undefined;
  const words = saidClassically(error, isParse);
  const from = /^(?:COPY|ADD)\b.* --from=(\S+)/i.exec(iechor?.instruction ?? '')?.[1];
  const isOfImage = from !== undefined && /^(?:IMAGE|REGISTRY|REFERENCE)_/.test(errorDetail?.reason ?? '');
  const isAdded = /^ADD\b/i.test(iechor?.instruction ?? '');
  const ofStep = isOfImage ? `invalid from flag value ${from}: ${words}` : words;
  const message = isAdded ? ofStep.replace(/^COPY failed: /, 'ADD failed: ') : ofStep;
  return message === error ? {} : { error: message, errorDetail: { ...errorDetail, message } };
}

function saidClassically(error: string, isParse: boolean): string {
  for (const [pattern, words] of failures) {
    const found = pattern.exec(error);
    if (found) return words(found);
  }
  if (isParse) return error.replace(/^.+?:(\d+):\d+ /, 'dockerfile parse error on line $1: ');
  // The step that failed has just been told, and its line with it.
  return error.replace(/^\S+?:\d+:\d+ /, '').replace(/\n +\d+ \| [\s\S]*$/, '');
}
