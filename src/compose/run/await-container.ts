import { constants } from 'node:os';
import type { EngineApi } from '../../api/engine-api.ts';
import type { ContainerInspect } from '../../api/types/container.ts';
import { IechorError } from '../../common/error.ts';
import { labels } from '../plan/labels.ts';
import type { AwaitCondition } from '../plan/plan.ts';
import { lastLines } from './last-lines.ts';
import type { Watcher } from './watcher.ts';

type Verdict =
  | { readonly kind: 'met'; readonly word: string }
  | { readonly kind: 'failed' | 'pending'; readonly why: string };

/** What a container's state says about a condition. Pure. */
export function judge(container: Pick<ContainerInspect, 'State'>, until: AwaitCondition): Verdict {
  const { State: state } = container;
  const over = state.Status === 'exited' || state.Status === 'dead';
  const exit = state.OOMKilled
    ? `exited (${state.ExitCode}): it was killed for lack of memory`
    : `exited (${state.ExitCode})${signalText(state.ExitCode)}`;
  if (until === 'completed') {
    if (!over) return { kind: 'pending', why: 'has not finished' };
    return state.ExitCode === 0 ? { kind: 'met', word: 'Exited' } : { kind: 'failed', why: exit };
  }
  if (over) {
    const fine = until === 'running-or-healthy' && state.ExitCode === 0;
    return fine ? { kind: 'met', word: 'Exited' } : { kind: 'failed', why: exit };
  }
  if (!state.Running || state.Restarting) return { kind: 'pending', why: 'is not running' };
  const health = state.Health?.Status;
  const probed = health !== undefined && health !== 'none';
  if (until === 'running' || (until === 'running-or-healthy' && !probed)) return { kind: 'met', word: 'Running' };
  if (!probed) return { kind: 'failed', why: 'has no health check' };
  if (health === 'healthy') return { kind: 'met', word: 'Healthy' };
  return health === 'unhealthy' ? { kind: 'failed', why: 'is unhealthy' } : { kind: 'pending', why: 'is not healthy' };
}

/** Shells and engines add 128 to the number of a signal that ended a process. */
function signalText(exitCode: number): string {
  const name = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
  return exitCode > 128 && name ? ` by ${name}` : '';
}

export interface AwaitOptions {
  readonly engine: EngineApi;
  readonly watcher: Watcher;
  readonly timeoutSeconds?: number | undefined;
  /** How long the condition must hold. */
  readonly monitorSeconds?: number | undefined;
  /** Others cannot start because of it, which the error says. */
  readonly dependency: boolean;
  readonly onProgress: (detail: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Resolves with a word (`Healthy`) when the condition holds. Throws DEPENDENCY_FAILED when it cannot come true any
 * more or the time is up: with exit code, last probe and last log lines.
 */
export async function awaitContainer(id: string, until: AwaitCondition, options: AwaitOptions): Promise<string> {
  const { engine, watcher, timeoutSeconds, monitorSeconds = 0, signal } = options;
  const deadline = timeoutSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutSeconds * 1000;
  let metAt: number | undefined;
  for (;;) {
    const seen = watcher.version(id);
    const container = await engine.containerInspect({ id, signal });
    const verdict = judge(container, until);
    if (verdict.kind === 'met') {
      metAt ??= Date.now();
      const openMs = metAt + Math.max(monitorSeconds * 1000, settlingMs(container, until, metAt)) - Date.now();
      if (openMs <= 0 || verdict.word === 'Exited') return verdict.word;
      options.onProgress(`${verdict.word}, watched`);
      await watcher.changed(id, seen, { atMostMs: openMs, signal });
      continue;
    }
    const left = deadline - Date.now();
    if (verdict.kind === 'failed' || left <= 0) {
      const late = verdict.kind === 'failed' ? '' : `application not healthy after ${timeoutSeconds}s: `;
      const about = options.dependency ? aboutDependency(container, until) : '';
      throw await culprit(engine, container, { about: `${late}${about}`, why: verdict.why });
    }
    const probes = lastProbe(container);
    if (probes) options.onProgress(`Waiting: ${probes}`);
    await watcher.changed(id, seen, { atMostMs: Math.min(left, 5000), signal });
  }
}

/** What has no health check is asked for by `--wait`, and ends at once after its start, must not count as running. */
function settlingMs({ State: state }: ContainerInspect, until: AwaitCondition, since: number): number {
  if (until !== 'running-or-healthy' || (state.Health?.Status ?? 'none') !== 'none') return 0;
  const left = Date.parse(state.StartedAt) + 500 - since;
  return Math.min(Math.max(left, 0), 500);
}

function lastProbe({
  State: { Health: health },
  Config: { Healthcheck: check },
}: ContainerInspect): string | undefined {
  const last = health?.Log?.at(-1);
  if (!last || last.ExitCode === 0) return undefined;
  const lines = last.Output.trim().split('\n');
  // What the engine asked itself begins with what it got; a program says last why it gave up.
  const isDialed = ['TCP', 'HTTP'].includes(check?.Test?.[0] ?? '');
  const output = lines.at(-1) ? ` "${lines.at(-1)}"` : '';
  const count = health?.FailingStreak ?? 1;
  const outcome = isDialed ? lines[0] : `exit ${last.ExitCode}${output}`;
  const probes =
    count === 0 ? 'no probe counts before start_period is over' : `${count} failed ${count === 1 ? 'probe' : 'probes'}`;
  return `${probes}, last: ${outcome}`;
}

/** What Compose says first of a dependency that failed. */
function aboutDependency({ State: state, Config: config }: ContainerInspect, until: AwaitCondition): string {
  if (until === 'running-or-healthy') return '';
  if (until !== 'completed') return 'dependency failed to start: ';
  return `service "${config.Labels?.[labels.service]}" didn't complete successfully: exit ${state.ExitCode}: `;
}

async function culprit(
  engine: EngineApi,
  container: ContainerInspect,
  { about, why }: { readonly about: string; readonly why: string },
): Promise<IechorError> {
  const name = container.Name.replace(/^\//, '');
  const probes = lastProbe(container);
  const lines = await lastLines(engine, container, 10);
  const message = [
    `${about}container ${name} ${why}`,
    ...(probes ? [`  ${probes}`] : []),
    ...(lines.length > 0 ? [`  last log lines of ${name}:`, ...lines.map((line) => `    ${line}`)] : []),
  ].join('\n');
  return new IechorError('DEPENDENCY_FAILED', message, {
    hint: lines.length > 0 ? undefined : `${name} wrote no output; "inspect ${name}" shows the state of what is kept`,
  });
}
