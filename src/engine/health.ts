import type { HealthConfig, HealthLogEntry } from '../api/types/container.ts';
import { messageOf } from '../common/error.ts';
import type { ExecHandle } from '../host/runtime-port.ts';
import type { ContainerRecord } from './container-record.ts';
import { type DialProbe, dialProbe, type ProbeResult, parseDialProbe } from './dial-probe.ts';
import { execProcess } from './exec-process.ts';
import { afterProbe } from './health-state.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { processOf } from './process-of.ts';
import { serveByHealth } from './serving.ts';

const defaults = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5_000, retries: 3 };
const maxOutputBytes = 4096;
const SIGKILL = 9;

/** Begins the container's health checks, where it has any. Idempotent; goes on from what the record says. */
export function startProbes(context: LifeContext, record: ContainerRecord): void {
  const check = record.config.Healthcheck;
  const test = check && probeTest(check, record);
  if (!check || !test || context.life.probes.has(record.id)) return;
  const controller = new AbortController();
  context.life.probes.set(record.id, controller);
  probeForever(context, record.id, { check, test, startedAt: Date.parse(record.startedAt) }, controller.signal).catch(
    (error) => context.log.error('health checks ended', { container: record.id, error: messageOf(error) }),
  );
}

/** The state before the first check of a run: what a start writes on the record. */
export function initialHealth(record: ContainerRecord): ContainerRecord['health'] {
  const check = record.config.Healthcheck;
  if (!check || !probeTest(check, record)) return undefined;
  return { status: 'starting', failingStreak: 0, log: [] };
}

/** Ends the checks, also one that is under way. Idempotent. */
export function stopProbes(context: LifeContext, id: string): void {
  context.life.probes.get(id)?.abort();
  context.life.probes.delete(id);
}

type ProbeTest = { readonly kind: 'command'; readonly args: readonly string[] } | DialProbe;

function probeTest(check: HealthConfig, record: ContainerRecord): ProbeTest | undefined {
  const args = probeCommand(check, record);
  return args ? { kind: 'command', args } : parseDialProbe(check.Test ?? []);
}

function probeCommand(check: HealthConfig, record: ContainerRecord): string[] | undefined {
  const [kind, ...rest] = check.Test ?? [];
  if (kind === 'CMD' && rest.length > 0) return rest;
  if (kind !== 'CMD-SHELL' || rest[0] === undefined) return undefined;
  return [...(record.config.Shell?.length ? record.config.Shell : ['/bin/sh', '-c']), rest[0]];
}

interface Probing {
  readonly check: HealthConfig;
  readonly test: ProbeTest;
  readonly startedAt: number;
}

async function probeForever(context: LifeContext, id: string, probing: Probing, signal: AbortSignal): Promise<void> {
  const { check, startedAt } = probing;
  const startPeriodMs = milliseconds(check.StartPeriod, 0);
  for (;;) {
    const starting =
      context.containers.find(id)?.health?.status === 'starting' && Date.now() - startedAt < startPeriodMs;
    await sleep(
      starting
        ? milliseconds(check.StartInterval, defaults.startIntervalMs)
        : milliseconds(check.Interval, defaults.intervalMs),
      signal,
    );
    if (signal.aborted) return;
    const record = context.containers.find(id);
    if (record?.status === 'paused') continue;
    if (record?.status !== 'running') return;
    const entry = await probe(context, record, probing, signal);
    if (signal.aborted) return;
    try {
      writeResult(context, id, entry, {
        retries: check.Retries || defaults.retries,
        inStartPeriod: Date.now() - startedAt < startPeriodMs,
      });
    } catch (error) {
      // As on a full disk: the next result may be written again.
      context.log.warn('the result of a health check is lost', { container: id, error: messageOf(error) });
    }
  }
}

/** Durations of the wire are nanoseconds; 0 is "the default". */
function milliseconds(nanoseconds: number | undefined, otherwise: number): number {
  return nanoseconds ? Math.max(1, nanoseconds / 1e6) : otherwise;
}

/** As Go writes durations: `50ms`, `1.5s`, `2m0s`. */
function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = `${(ms % 60_000) / 1000}s`;
  return ms < 60_000 ? seconds : `${Math.floor(ms / 60_000)}m${seconds}`;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}

/** One check: never overlapping the next, its processes killed at the timeout, its output bounded. */
async function probe(
  context: LifeContext,
  record: ContainerRecord,
  probing: Probing,
  signal: AbortSignal,
): Promise<HealthLogEntry> {
  const start = new Date().toISOString();
  const timeoutMs = milliseconds(probing.check.Timeout, defaults.timeoutMs);
  const finish = (exitCode: number, output: string): HealthLogEntry => ({
    Start: start,
    End: new Date().toISOString(),
    ExitCode: exitCode,
    Output: output,
  });
  if (probing.test.kind !== 'command') {
    const { exitCode, output } = await dial(context, record, { probe: probing.test, timeoutMs, signal });
    return finish(exitCode, output);
  }
  let handle: ExecHandle;
  try {
    const process = execProcess(context, record, { args: probing.test.args });
    handle = await context.exec({ id: record.id, process, stdin: false });
  } catch (error) {
    return finish(-1, messageOf(error));
  }
  const output = collect(handle);
  let timedOut = false;
  const end = () => handle.kill(SIGKILL);
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    const exitCode = await handle.exit;
    const said = output();
    const tooLong = `Health check exceeded timeout (${goDuration(timeoutMs)})`;
    if (timedOut) return finish(-1, said === '' ? tooLong : `${tooLong}: ${said}`);
    return finish(exitCode, said);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    handle.close();
  }
}

async function dial(
  context: LifeContext,
  record: ContainerRecord,
  { probe, timeoutMs, signal }: { readonly probe: DialProbe; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const pid = processOf(context, record);
  if (pid === undefined) return { exitCode: -1, output: 'the container does not run' };
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const result = await dialProbe(probe, `/proc/${pid}/ns/net`, AbortSignal.any([signal, timeout]));
    if (!timeout.aborted) return result;
    return { exitCode: -1, output: `Health check exceeded timeout (${goDuration(timeoutMs)})` };
  } catch (error) {
    return { exitCode: -1, output: messageOf(error) };
  }
}

/** Gathers the first bytes of the output and drops the rest, so that a loud check is not held up. */
function collect(handle: ExecHandle): () => string {
  const pieces: Buffer[] = [];
  let size = 0;
  const read = async () => {
    for await (const { data } of handle.output) {
      if (size < maxOutputBytes) pieces.push(Buffer.from(data.subarray(0, maxOutputBytes - size)));
      size += data.length;
    }
  };
  read().catch((error) => pieces.push(Buffer.from(`\n${messageOf(error)}`)));
  return () => Buffer.concat(pieces).toString('utf8') + (size > maxOutputBytes ? '...' : '');
}

function writeResult(
  context: LifeContext,
  id: string,
  entry: HealthLogEntry,
  options: { readonly retries: number; readonly inStartPeriod: boolean },
): void {
  const record = context.containers.find(id);
  if (!record?.health || record.status !== 'running') return;
  const health = afterProbe(record.health, entry, options);
  const updated = context.containers.note(id, { health });
  if (health.status === record.health.status) return;
  serveByHealth(context, updated);
  publishContainer(context, updated, `health_status: ${health.status}`);
  if (health.status === 'unhealthy') context.life.onUnhealthy(context, updated);
}
