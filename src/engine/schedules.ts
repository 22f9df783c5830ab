import { annotations } from '../api/annotations.ts';
import type { EngineApi } from '../api/engine-api.ts';
import type { ScheduleSummary } from '../api/types/schedule.ts';
import { messageOf } from '../common/error.ts';
import type { ContainerRecord, ScheduledRun } from './container-record.ts';
import { type Cron, isDue, nextTime, parseCron } from './cron.ts';
import { labelsFit } from './filters.ts';
import type { LifeContext } from './life.ts';
import { startContainer } from './start.ts';
import { stopContainer } from './stop.ts';

const minuteMs = 60_000;
/** What came due while the clock stood still (a laptop that slept) is not made up for beyond this. */
const longestGapMinutes = 5;
const keptRuns = 20;

type Overlap = 'skip' | 'queue' | 'replace';
interface Schedule {
  readonly text: string;
  readonly cron: Cron;
  readonly overlap: Overlap;
}

/**
 * The schedule of a container from its annotation, `{"cron": "0 3 * * *", "overlap": "skip"}`; undefined without one.
 * Throws a sentence for a malformed one.
 */
export function scheduleOf(annotation: string | undefined): Schedule | undefined {
  if (annotation === undefined) return undefined;
  const { cron: text = '', overlap = 'skip' } = JSON.parse(annotation) as { cron?: string; overlap?: Overlap };
  if (!['skip', 'queue', 'replace'].includes(overlap)) throw new Error(`"${overlap}" is not skip, queue or replace`);
  return { text, cron: parseCron(text), overlap };
}

const ownSchedule = (record: ContainerRecord): Schedule | undefined =>
  scheduleOf(record.body.HostConfig?.Annotations?.[annotations.schedule]);

/** Starts containers at the times of their schedules, as long as the daemon runs. Returns what ends it. */
export function startSchedules(context: LifeContext): () => void {
  let seen = Math.floor(Date.now() / minuteMs);
  let timer: NodeJS.Timeout;
  const tick = () => {
    const now = Math.floor(Date.now() / minuteMs);
    for (let minute = Math.max(seen + 1, now - longestGapMinutes); minute <= now; minute++) {
      runDue(context, new Date(minute * minuteMs));
    }
    seen = Math.max(seen, now);
    wait();
  };
  const wait = () => {
    timer = setTimeout(tick, minuteMs - (Date.now() % minuteMs) + 50).unref();
  };
  wait();
  return () => clearTimeout(timer);
}

/** Starts what is due at a minute. Does not wait. */
export function runDue(context: LifeContext, minute: Date): void {
  for (const record of context.containers.list()) {
    if (record.status === 'removing' || record.status === 'dead') continue;
    const schedule = ownSchedule(record);
    if (!schedule || !isDue(schedule.cron, minute)) continue;
    runOnce(context, record, { minute, overlap: schedule.overlap }).catch((error) =>
      context.log.error('a scheduled run failed', { container: record.id, error: messageOf(error) }),
    );
  }
}

async function runOnce(
  context: LifeContext,
  { id, status }: ContainerRecord,
  { minute, overlap }: { readonly minute: Date; readonly overlap: Overlap },
): Promise<void> {
  const due = minute.toISOString();
  const busy = status === 'running' || status === 'paused' || status === 'restarting' || status === 'starting';
  if (busy && overlap === 'skip')
    return note(context, id, { due, outcome: 'skipped', why: 'the one before still runs' });
  if (busy && overlap === 'queue') await context.life.died.wait(id);
  if (busy && overlap === 'replace') await stopContainer(context, { id });
  if (!context.containers.find(id) || context.life.closing) return;
  // From before the start on: a run may be over before the start says so.
  const failed = new AbortController();
  const ended = context.life.died.wait(id, { signal: failed.signal }).catch(() => undefined);
  try {
    await startContainer(context, { id });
    note(context, id, { due, outcome: 'started', startedAt: context.containers.get(id).startedAt });
  } catch (error) {
    failed.abort();
    note(context, id, { due, outcome: 'failed', why: messageOf(error) });
    return;
  }
  const end = await ended;
  if (end)
    note(context, id, { due, outcome: 'ended', finishedAt: end.finishedAt.toISOString(), exitCode: end.exitCode });
}

/** Adds to the history, or to the run of the same minute. */
function note(context: LifeContext, id: string, run: ScheduledRun): void {
  const record = context.containers.find(id);
  if (!record) return;
  const runs = record.runs ?? [];
  const same = runs.find(({ due }) => due === run.due);
  const now = same ? runs.map((one) => (one === same ? { ...one, ...run } : one)) : [...runs, run];
  context.containers.note(id, { runs: now.slice(-keptRuns) });
}

/** Containers with a schedule, when they run next, and how they ran. */
export async function listSchedules(
  context: LifeContext,
  request: Parameters<EngineApi['scheduleList']>[0],
): Promise<ScheduleSummary[]> {
  const now = new Date();
  return context.containers.list().flatMap((record): ScheduleSummary[] => {
    const schedule = ownSchedule(record);
    if (!schedule || !labelsFit(request.filters, record.config.Labels ?? {})) return [];
    return [
      {
        Id: record.id,
        Name: record.name,
        Labels: { ...record.config.Labels },
        Schedule: schedule.text,
        Overlap: schedule.overlap,
        Next: nextTime(schedule.cron, now)?.toISOString() ?? '',
        Running: record.status === 'running',
        Runs: (record.runs ?? []).map((run) => ({
          Due: run.due,
          Outcome: run.outcome,
          StartedAt: run.startedAt ?? '',
          FinishedAt: run.finishedAt ?? '',
          ...(run.exitCode === undefined ? {} : { ExitCode: run.exitCode }),
          ...(run.why === undefined ? {} : { Why: run.why }),
        })),
      },
    ];
  });
}
