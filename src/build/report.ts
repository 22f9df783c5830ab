import { formatSpan } from '../common/diagnostic.ts';
import { shortId } from '../common/id.ts';
import type { Build, StepContext } from './build-context.ts';
import type { BuildStep } from './events.ts';
import type { StageNode } from './graph.ts';

/** A step as data. */
export function stepOf(context: StepContext, status: BuildStep['status'], reason?: string): BuildStep {
  const { build, node, instruction, number } = context;
  const ended = status === 'cached' || status === 'done' || status === 'failed';
  return {
    step: number,
    total: build.counter.total,
    stage: node.label,
    instruction: instruction.source,
    status,
    at: formatSpan(instruction.at),
    ...(layerMakers.has(instruction.name) && { inStage: placeOf(context) }),
    ...(reason !== undefined && { reason }),
    ...(context.containerId !== undefined && { container: context.containerId }),
    ...(context.ordinal < context.triggers.length && {
      trigger: { number: context.ordinal + 1, total: context.triggers.length },
    }),
    ...(ended && { ms: Math.round(performance.now() - context.startedAt - context.idle.ms) }),
  };
}

/**
 * Tells how a step goes: as data, beside a line like those of Docker's classic builder. There is always a line, since
 * Docker's clients print an empty one for a message without.
 */
export function report(
  context: StepContext,
  status: 'begun' | 'running' | 'output' | 'cached' | 'done',
  more: {
    readonly reason?: string;
    readonly from?: string;
    readonly text?: string;
    readonly stream?: 'stdout' | 'stderr';
  } = {},
): void {
  const { build, instruction, number, state } = context;
  const lines: Readonly<Record<typeof status, string>> = {
    begun: `Step ${number}/${build.counter.total} : ${instruction.source}\n`,
    running: ` ---> MISS: ${more.reason ?? ''}\n`,
    output: more.text ?? '',
    cached: ' ---> Using cache\n',
    done: ` ---> ${shortId(state.chain.at(-1) ?? '')}\n`,
  };
  const step = { ...stepOf(context, status, more.reason), ...(more.from !== undefined && { from: more.from }) };
  if (status === 'cached' || status === 'done') build.tally.ended(step);
  build.emit({ stream: lines[status], iechor: more.stream === 'stderr' ? { ...step, stderr: true } : step });
}

const layerMakers: ReadonlySet<string> = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR']);

function placeOf({ build, node, ordinal, triggers }: StepContext): NonNullable<BuildStep['inStage']> {
  const all = [...triggers, ...node.stage.instructions].map(({ name }) => layerMakers.has(name));
  const before = all.slice(0, ordinal).filter(Boolean).length;
  const base = countsBase(node);
  return { step: before + base + 1, total: all.filter(Boolean).length + base, alone: build.graph.needed.size === 1 };
}

/** What a stage stands on counts where it is fetched: an image or a context, not another stage. */
const countsBase = ({ base }: StageNode): 0 | 1 => ('stage' in base || 'scratch' in base ? 0 : 1);

/** The FROM of a stage with the image that it stands on, in a classic build. */
export const baseStep = ({ counter }: Build, { label, stage }: StageNode): BuildStep => ({
  ...{ step: counter.step, total: counter.total, stage: label },
  ...{ instruction: stage.from.source, status: 'committed' },
});

/** Tells that a stage begins, like the other instructions; the returned function tells that its base is there. */
export function reportBase(build: Build, node: StageNode, number: number): () => void {
  const { from, instructions } = node.stage;
  const total = instructions.filter(({ name }) => layerMakers.has(name)).length + 1;
  const startedAt = performance.now();
  const step = {
    ...{ step: number, total: build.counter.total, stage: node.label, instruction: from.source },
    at: formatSpan(from.at),
    ...(countsBase(node) > 0 && { inStage: { step: 1, total, alone: build.graph.needed.size === 1 } }),
  };
  build.emit({
    stream: `Step ${number}/${build.counter.total} : ${from.source}\n`,
    iechor: { ...step, status: 'begun' },
  });
  return () =>
    build.emit({ stream: '', iechor: { ...step, status: 'done', ms: Math.round(performance.now() - startedAt) } });
}
