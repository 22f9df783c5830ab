import { codeOf, IechorError, isIechorError, messageOf } from '../../common/error.ts';
import { labels } from '../plan/labels.ts';
import type { Plan, Step, StepCommon } from '../plan/plan.ts';
import type { Session } from '../session.ts';
import { execute, type Failure, type Outcome } from './execute.ts';
import { createPerformers } from './performers.ts';
import type { Sink } from './progress.ts';
import { createWatcher } from './watcher.ts';

export interface PerformOptions {
  readonly project: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Runs a plan on the session's engine. Never rejects for a step that fails: see `throwFailures`. */
export async function performPlan(session: Session, plan: Plan, options: PerformOptions): Promise<Outcome> {
  const { engine, parallel, signal, kill } = session;
  session.announce?.(plan.filter(isShown));
  const sink: Sink = (event) => {
    if (isShown(event.step)) session.sink(event);
  };
  const watcher = createWatcher(engine, `${labels.project}=${options.project}`);
  try {
    const environment = options.environment ?? {};
    const performers = createPerformers({ engine, watcher, environment, buildContexts: session.buildContexts });
    return await execute(plan, performers, { sink, parallel, signal, kill });
  } finally {
    watcher.close();
  }
}

/** A checkpoint is the plan's own affair. */
const isShown = ({ kind, quiet }: Pick<StepCommon, 'kind' | 'quiet'>): boolean => kind !== 'checkpoint' && !quiet;

/**
 * Throws what went wrong: the culprit with what it held back, all of several failures, or INTERRUPTED. `aftermath` says
 * what was done about it.
 */
export function throwFailures(outcome: Outcome, aftermath?: string): void {
  const { failures } = outcome;
  const [first] = failures;
  if (outcome.interrupted && failures.every(({ error }) => isAbort(error)))
    throw new IechorError('INTERRUPTED', 'interrupted');
  if (!first) return;
  const bug = failures.find(({ error }) => !isIechorError(error) && !isAbort(error));
  if (bug) throw bug.error;
  const after = `${heldBackBy(failures, outcome)}${aftermath === undefined ? '' : `\n  ${aftermath}`}`;
  if (failures.length === 1) throw explained(first, after);
  const text = failures.map((failure) => `  ${sentence(failure)}`).join('\n');
  throw new IechorError('PLAN_FAILED', `${failures.length} steps failed:\n${text}${after}`, {
    hint: failures.map(({ error }) => (isIechorError(error) ? error.hint : undefined)).find(Boolean),
    cause: first.error,
  });
}

function explained(failure: Failure, after: string): unknown {
  const { step, error } = failure;
  if (!isIechorError(error)) return error;
  return new IechorError(error.code, `${sentence(failure)}${after}`, {
    hint: error.hint,
    at: error.at.length > 0 ? error.at : step.because ? [step.because] : [],
    diagnostics: error.diagnostics,
    exit: 1,
    cause: error,
  });
}

/** The error's text, with the resource where it does not name it. */
function sentence({ step, error }: Failure): string {
  const name = step.label.split(' ').at(-1) ?? '';
  const text = messageOf(error);
  return text.includes(name) ? text : `${step.label}: ${text}`;
}

function heldBackBy(failures: readonly Failure[], outcome: Outcome): string {
  const culprits = new Set(failures.map(({ step }) => step.id));
  const own = new Set(failures.map(({ step }) => step.target));
  const held = outcome.skipped
    .filter(({ step, because }) => because !== undefined && culprits.has(because) && !own.has(step.target))
    .map(({ step }) => nameOf(step));
  const names = [...new Set(held)].sort();
  return names.length === 0 ? '' : `\n  held back: ${names.join(', ')}`;
}

const nameOf = (step: Step): string => step.target.split(':')[1] ?? step.target;

const isAbort = (error: unknown): boolean =>
  codeOf(error) === 'INTERRUPTED' ||
  codeOf(error) === 'ABORT_ERR' ||
  (error as { name?: string } | null)?.name === 'AbortError';
