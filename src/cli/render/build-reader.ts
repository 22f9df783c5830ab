import type { BuildStepProgress, BuildSummary, ProgressMessage } from '../../api/types/image.ts';

/** A step of a build as it is shown: one that makes a layer, or brings a base image. */
export interface ShownStep {
  /** Counts those shown, from 1. */
  readonly number: number;
  readonly stage: string;
  /** `[builder 2/4] RUN make`; without the stage where there is just one. */
  readonly title: string;
  readonly isBase: boolean;
  readonly startedAt: number;
  state: 'running' | 'cached' | 'done' | 'failed';
  /** Milliseconds it took, once it has ended. */
  ms: number;
  /** Why it was not taken from the cache. */
  reason: string | undefined;
  /** The cache outside the engine that the step was found in. */
  from: string | undefined;
  /** Its last lines of output. */
  readonly tail: string[];
}

/** What a message of a build means to who shows it. */
export type BuildNews =
  | { readonly kind: 'begun' | 'missed' | 'ended'; readonly step: ShownStep }
  | { readonly kind: 'output'; readonly step: ShownStep; readonly line: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'summary'; readonly summary: BuildSummary };

export interface BuildReader {
  take(message: ProgressMessage): readonly BuildNews[];
  /** The messages have ended: so have the base images. What still ran was called off. */
  end(): readonly BuildNews[];
  /** Steps that run, in the order of starting. */
  running(): readonly ShownStep[];
  /** Instructions that have begun, of how many. */
  count(): { readonly begun: number; readonly total: number };
}

const tailLines = 30;
const longestLine = 4096;

/** Follows the messages of one build. */
export function createBuildReader(now: () => number = Date.now): BuildReader {
  const steps = new Map<number, ShownStep>();
  const partial = new Map<number, string>();
  const transfers = new Map<string, string>();
  let count = { begun: 0, total: 0 };
  let shown = 0;

  const begin = (step: BuildStepProgress): BuildNews[] => {
    if (!step.inStage || steps.has(step.step)) return [];
    const isBase = /^FROM\s/i.test(step.instruction);
    const fresh: ShownStep = {
      ...{ number: ++shown, stage: step.stage, title: titleOf(step), isBase, startedAt: now() },
      ...{ state: 'running', ms: 0, reason: undefined, from: undefined, tail: [] },
    };
    steps.set(step.step, fresh);
    return [{ kind: 'begun', step: fresh }];
  };
  const end = (id: number, state: 'cached' | 'done' | 'failed', ms?: number): BuildNews[] => {
    const step = steps.get(id);
    if (step?.state !== 'running') return [];
    const rest = partial.get(id) ?? '';
    partial.delete(id);
    const news = rest === '' ? [] : [noteLine(step, rest)];
    step.state = state;
    step.ms = ms ?? now() - step.startedAt;
    // Of a step that went well nobody wants the output any more.
    if (state !== 'failed') step.tail.length = 0;
    return [...news, { kind: 'ended', step }];
  };
  /** The base of a stage is there when something else of the stage happens. */
  const endBases = (stage?: string): BuildNews[] =>
    [...steps].flatMap(([id, step]) =>
      step.isBase && (stage === undefined || step.stage === stage) ? end(id, 'done') : [],
    );
  const takeOutput = (id: number, text: string): BuildNews[] => {
    const step = steps.get(id);
    if (!step) return [];
    const lines = ((partial.get(id) ?? '') + text).split(/\r?\n/);
    const rest = lines.pop() ?? '';
    partial.set(id, rest.slice(rest.lastIndexOf('\r', rest.length - 2) + 1).slice(-longestLine));
    return lines.map((line) => noteLine(step, line));
  };
  const takeStep = (step: BuildStepProgress, stream = ''): BuildNews[] => {
    if (step.status === 'committed') return [];
    count = { begun: Math.max(count.begun, step.step), total: step.total };
    const isBase = /^FROM\s/i.test(step.instruction);
    const before = isBase ? [] : endBases(step.stage);
    if (step.status === 'output') return [...before, ...takeOutput(step.step, stream)];
    const news = [...before, ...begin(step)];
    const shownStep = steps.get(step.step);
    if (!shownStep || step.status === 'begun') return news;
    shownStep.from = step.from;
    if (step.status !== 'running') return [...news, ...end(step.step, step.status, step.ms)];
    shownStep.reason = step.reason;
    return [...news, { kind: 'missed', step: shownStep }];
  };
  return {
    take(message) {
      if (message.iechor) return takeStep(message.iechor, message.stream);
      if (message.summary) return [...endBases(), { kind: 'summary', summary: message.summary }];
      const text = textOf(message, transfers);
      return text === '' ? [] : [...endBases(), { kind: 'text', text }];
    },
    end: () => endBases(),
    running: () => [...steps.values()].filter(({ state }) => state === 'running'),
    count: () => count,
  };
}

function noteLine(step: ShownStep, text: string): BuildNews {
  // What a carriage return went back over is gone.
  const line = text.slice(text.lastIndexOf('\r') + 1).slice(0, longestLine);
  step.tail.push(line);
  if (step.tail.length > tailLines) step.tail.shift();
  return { kind: 'output', step, line };
}

/** A line of what has no steps; repeated progress of one layer is left out. */
function textOf({ stream, id, status }: ProgressMessage, transfers: Map<string, string>): string {
  if (stream !== undefined) return stream.trimEnd();
  if (status === undefined || transfers.get(id ?? '') === status) return '';
  transfers.set(id ?? '', status);
  return id ? `${id}: ${status}` : status;
}

function titleOf({ stage, instruction, inStage }: BuildStepProgress): string {
  const text = instruction.replaceAll(/\s+/g, ' ');
  if (!inStage) return text;
  return `[${inStage.alone ? '' : `${stage} `}${inStage.step}/${inStage.total}] ${text}`;
}
