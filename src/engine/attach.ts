import type { EngineApi } from '../api/engine-api.ts';
import type { Frame, StreamSession } from '../api/streams.ts';
import { IechorError } from '../common/error.ts';
import { processInfo } from '../host/proc.ts';
import type { MonitorConnection } from '../host/runtime-port.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { createDetachFilter, parseDetachKeys } from './detach-keys.ts';
import type { LifeContext } from './life.ts';
import { readLog } from './logs.ts';
import { publishContainer } from './notify.ts';
import { logPath } from './paths.ts';
import { createSession } from './session.ts';

/** Docker's own, where a session with a terminal names none. */
export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/**
 * Joins the streams of a container's first process. For one that does not run the session waits for its next start,
 * and misses nothing of it. Ends with the process, when inspect tells its exit code, by the detach keys, or when the
 * client closes it.
 */
export async function containerAttach(
  context: LifeContext,
  request: Parameters<EngineApi['containerAttach']>[0],
): Promise<StreamSession> {
  const record = context.containers.get(request.id);
  refuseWrongState(record);
  const terminal = record.config.Tty === true;
  const keys = parseDetachKeys(request.detachKeys || defaultDetachKeys);
  const detach = terminal && createDetachFilter(keys);
  const controller = new AbortController();
  const stop = () => controller.abort();
  request.signal?.addEventListener('abort', stop, { once: true });
  const takesInput = request.stdin === true && record.config.OpenStdin === true;
  const connectNow = () => context.monitor.attach(record.id, { stdin: takesInput });
  const live = request.stream ? connectSoon({ context, record, connectNow }, controller.signal) : undefined;
  const session = createSession({
    connection: live ?? Promise.resolve(undefined),
    before: request.logs ? pastOf(context, record, request) : undefined,
    wants: (stream) => (stream === 'stderr' ? request.stderr : request.stdout) === true,
    takesInput,
    ...(detach && { filterInput: telling(detach, () => publishContainer(context, record, 'detach')) }),
    exit: context.life.died.wait(record.id, { signal: controller.signal }).catch(() => undefined),
    isAlive: () => processInfo(context.containers.find(record.id)?.pid ?? 0) !== undefined,
    onClose: () => {
      request.signal?.removeEventListener('abort', stop);
      stop();
    },
  });
  controller.signal.addEventListener('abort', () => session.close(), { once: true });
  const underWay = () => context.life.deliveries.add(record.id, session.delivery);
  live?.then((made) => made && underWay()).catch(() => {}); // met by who reads the session
  publishContainer(context, record, 'attach');
  return session;
}

/** A filter that says when it has seen the keys. */
function telling<T>(filter: (data: Uint8Array) => T | undefined, detached: () => void) {
  return (data: Uint8Array): T | undefined => {
    const passed = filter(data);
    if (passed === undefined) detached();
    return passed;
  };
}

function refuseWrongState(record: ContainerRecord): void {
  if (record.status === 'paused') {
    throw new IechorError('WRONG_STATE', `container ${record.name} is paused, unpause the container before attach`);
  }
  if (record.status === 'restarting' || record.status === 'removing' || record.status === 'dead') {
    throw new IechorError('WRONG_STATE', `container ${record.name} is ${record.status}: it cannot be attached to`);
  }
}

/** Now where the container runs, else with its next start. */
function connectSoon(
  {
    context,
    record,
    connectNow,
  }: {
    readonly context: EngineContext;
    readonly record: ContainerRecord;
    readonly connectNow: () => Promise<MonitorConnection>;
  },
  signal: AbortSignal,
): Promise<MonitorConnection | undefined> {
  if (record.status === 'running') return connectNow();
  return new Promise((resolve, reject) => {
    const done = () => resolve(undefined);
    const forget = context.earlyAttach.expect(record.id, {
      attach: () => connectNow().then(resolve, reject),
      cancel: done,
    });
    signal.addEventListener('abort', () => {
      forget();
      done();
    });
  });
}

function pastOf(
  context: EngineContext,
  record: ContainerRecord,
  request: Parameters<EngineApi['containerAttach']>[0],
): AsyncGenerator<Frame> {
  const past = readLog({
    path: logPath(context.roots, record.id),
    terminal: record.config.Tty === true,
    stdout: request.stdout === true,
    stderr: request.stderr === true,
    timestamps: false,
    signal: request.signal,
  });
  return request.stream && record.status === 'running' ? wholeLines(past) : past;
}

/** As Docker's log of a running process, which has a line when it has ended: what is begun comes live. */
async function* wholeLines(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
  const begun = new Map<Frame['stream'], Buffer>();
  for await (const { stream, data } of frames) {
    const all = Buffer.concat([begun.get(stream) ?? Buffer.alloc(0), data]);
    const end = all.lastIndexOf(0x0a) + 1;
    if (end > 0) yield { stream, data: all.subarray(0, end) };
    begun.set(stream, all.subarray(end));
  }
}
