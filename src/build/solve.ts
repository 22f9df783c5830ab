import { newId } from '../common/id.ts';
import { codeOf, isIechorError, messageOf } from '../common/error.ts';
import { didYouMean } from '../common/nearest.ts';
import { createBreath } from './breathe.ts';
import type { Build, StepContext } from './build-context.ts';
import { commitStep, endStage, tellImage } from './classic-step.ts';
import { solveCopy } from './copy-step.ts';
import { type StageNode, stagesOf } from './graph.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf, StageInstruction } from './language/types.ts';
import { metadata } from './metadata.ts';
import { parseTrigger } from './parse.ts';
import { parsePlatform } from './platform.ts';
import { baseStep, report, reportBase, stepOf } from './report.ts';
import { solveRun } from './run-step.ts';
import { childState, emptyState, imageState, type StageState } from './stage-state.ts';
import { solveWorkdir } from './workdir-step.ts';

/** Builds one stage from its base to its last instruction. Stages it needs are built side by side. */
export async function solveStage(build: Build, node: StageNode): Promise<StageState> {
  const state = await beginStage(build, node);
  const triggers = [...filesOf(build, node), ...triggersOf(build, node, state)];
  delete state.config.OnBuild;
  build.counter.total += triggers.length;
  if (triggers.length === 0) tellImage(build, state, baseStep(build, node));
  const breathe = createBreath();
  for (const [ordinal, instruction] of [...triggers, ...node.stage.instructions].entries()) {
    await breathe();
    await build.room();
    build.signal.throwIfAborted();
    if (ordinal >= triggers.length) await othersOf(build, node, instruction);
    const number = ++build.counter.step;
    const clock = { startedAt: performance.now(), idle: { ms: 0 } };
    const container = build.request.classic && { containerId: newId() };
    const context = { build, node, state, instruction, number, ordinal, triggers, ...clock, ...container };
    await solveInstruction(context);
    await commitStep(context);
  }
  await endStage(build, node, state);
  return state;
}

/** A step begins when the stages it takes from have ended; a failure is met again by the step itself. */
async function othersOf(build: Build, node: StageNode, instruction: StageInstruction): Promise<void> {
  await Promise.allSettled(stagesOf(instruction, build.graph, node).map((index) => build.stage(index)));
}

async function beginStage(build: Build, node: StageNode): Promise<StageState> {
  const parent = 'stage' in node.base ? await build.stage(node.base.stage) : undefined;
  const number = ++build.counter.step;
  const ready = reportBase(build, node, number);
  const state = await baseOf(build, node, parent);
  ready();
  return state;
}

async function baseOf(build: Build, node: StageNode, parent: StageState | undefined): Promise<StageState> {
  const { base } = node;
  const { from } = node.stage;
  if (parent) return childState(parent);
  if ('scratch' in base) return emptyState(node.platform === undefined ? build.platform : parsePlatform(node.platform));
  const given = 'context' in base ? build.request.contexts?.[base.context] : undefined;
  if (given?.dir !== undefined) return emptyState(build.platform);
  const reference = given?.image ?? ('image' in base ? base.image : '');
  try {
    const platform = node.platform ?? build.request.platform;
    const { pull = false, logins } = build.request;
    const options = { pull, logins, signal: build.signal, ...(platform && { platform }) };
    return imageState(await build.parts.bases.resolve(reference, options));
  } catch (error) {
    if (codeOf(error) !== 'IMAGE_NOT_FOUND') throw located(error, from);
    const names = build.graph.nodes.flatMap((other) => (other === node ? [] : (other.stage.name ?? [])));
    const hint = didYouMean(reference, names) ?? (isIechorError(error) ? error.hint : undefined);
    throw syntaxError(messageOf(error), { ...from, code: 'IMAGE_NOT_FOUND', hint, cause: error });
  }
}

/** What brings the files of a stage that begins with a directory in place of an image. */
function filesOf(build: Build, { base, stage }: StageNode): StageInstruction[] {
  if (!('context' in base) || build.request.contexts?.[base.context]?.dir === undefined) return [];
  return [parseTrigger(`COPY --from=${base.context} / /`, stage.from)];
}

/** ONBUILD of the base image, or of the stage the base is, run first. */
function triggersOf(build: Build, node: StageNode, state: StageState): StageInstruction[] {
  const { base, stage } = node;
  const above = 'stage' in base ? (build.graph.nodes[base.stage]?.stage.instructions ?? []) : [];
  const triggers =
    'stage' in base
      ? above.flatMap((instruction) => (instruction.name === 'ONBUILD' ? [instruction.trigger] : []))
      : (state.config.OnBuild ?? []);
  return triggers.map((trigger) => parseTrigger(trigger, stage.from));
}

async function solveInstruction(context: StepContext): Promise<void> {
  const { build, instruction } = context;
  report(context, 'begun');
  try {
    switch (instruction.name) {
      case 'RUN':
        return await solveRun(instruction, context);
      case 'COPY':
      case 'ADD':
        return await solveCopy(instruction, context);
      case 'WORKDIR':
        return await solveWorkdir(instruction, context);
      default:
        applyMetadata(instruction, context);
    }
  } catch (error) {
    const failure = located(error, instruction);
    if (!build.signal.aborted) build.failure.step ??= stepOf(context, 'failed');
    throw failure;
  }
}

function applyMetadata(
  instruction: Exclude<StageInstruction, { name: 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' }>,
  context: StepContext,
): void {
  const apply = metadata[instruction.name] as (given: typeof instruction, context: StepContext) => void;
  apply(instruction, context);
}

/** What tells `run` how to end is a failed step like any other here. */
const ofCommands = new Set<string>(['COMMAND_NOT_FOUND', 'COMMAND_NOT_EXECUTABLE', 'CONTAINER_START_FAILED']);

/** The error with the instruction's place, unless it has one or the build was called off. */
function located(error: unknown, at: StageInstruction | InstructionOf<'FROM'>): unknown {
  if (isIechorError(error) && (error.at.length > 0 || error.code === 'INTERRUPTED')) return error;
  const isAbort = typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
  if (isAbort) return error;
  const own = isIechorError(error) && !ofCommands.has(error.code) ? error.code : undefined;
  const code = own ?? (codeOf(error) === 'ENOSPC' ? 'NO_SPACE' : 'BUILD_FAILED');
  const hint = isIechorError(error) ? error.hint : undefined;
  return syntaxError(messageOf(error), { at: at.at, lines: at.lines, code, hint, cause: error });
}
