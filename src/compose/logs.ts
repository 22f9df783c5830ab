import type { EngineApi } from '../api/engine-api.ts';
import type { EventMessage } from '../api/types/system.ts';
import { codeOf } from '../common/error.ts';
import { labels } from './plan/labels.ts';
import type { ObservedContainer } from './plan/observe.ts';
import { createLiveQueue, type LiveQueue } from './run/live-queue.ts';
import { isContinuation } from './run/log-entries.ts';
import { mergeByTime, type TimedLine, timedLines } from './run/log-lines.ts';
import { findContainers, type Target } from './state.ts';

/** Who wrote a line. */
export interface Source {
  readonly name: string;
  readonly service: string;
  readonly number: number;
}
export interface LogLine extends TimedLine {
  readonly from: Source;
  /** Set on a line that goes on with the one before (a stack trace): it is ordered by that one's time. Its own time. */
  readonly written?: string;
  /** Set on the line that says that the container ended. */
  readonly exitCode?: number;
}

export interface LogsOptions {
  readonly services: readonly string[];
  readonly index?: number | undefined;
  readonly follow: boolean;
  /** Lines per container, or `all`. */
  readonly tail: string;
  /** Seconds since the epoch or RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Say when a container ends. */
  readonly exits?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Lines of the project's containers in the order of their times, history first. With `follow`, goes on until all
 * containers have ended or `signal` aborts, and takes in containers that start meanwhile.
 */
export async function* logs(engine: EngineApi, target: Target, options: LogsOptions): AsyncGenerator<LogLine> {
  const { follow, index, signal } = options;
  const containers = (
    await findContainers(engine, target, { services: options.services, oneoff: true, signal })
  ).filter(
    ({ number, oneoff }) => (index === undefined || number === index) && (!oneoff || options.services.length > 0),
  );
  const turn = follow ? (Date.now() / 1000).toFixed(3) : undefined;
  const history = { tail: options.tail, since: options.since, until: turn ?? options.until, signal };
  yield* mergeByTime(containers.map((container) => linesOf(engine, container, history)));
  if (turn === undefined) return;
  yield* followFrom(engine, target, { ...options, containers, turn });
}

/** Lines that go on with the one before take its time, so that no line of another container comes between. */
async function* together(lines: AsyncIterable<TimedLine>): AsyncGenerator<TimedLine & Pick<LogLine, 'written'>> {
  const before = new Map<TimedLine['stream'], { time: string; text: string }>();
  for await (const line of lines) {
    const head = before.get(line.stream);
    const goesOn = head !== undefined && isContinuation(line.text, head.text);
    before.set(line.stream, { time: goesOn ? head.time : line.time, text: line.text });
    yield goesOn ? { ...line, time: head.time, written: line.time } : line;
  }
}

/** Containers whose log driver cannot be read are left out: there is nothing to show of them. */
async function* linesOf(
  engine: EngineApi,
  container: Pick<ObservedContainer, 'id'> & Source,
  request: {
    tail?: string | undefined;
    since?: string | undefined;
    until?: string | undefined;
    follow?: boolean;
    signal: AbortSignal;
  },
): AsyncGenerator<LogLine> {
  const { id, name, service, number } = container;
  const from = { name, service, number };
  try {
    const frames = engine.containerLogs({ id, stdout: true, stderr: true, timestamps: true, ...request });
    for await (const line of together(timedLines(frames))) yield { ...line, from };
  } catch (error) {
    const code = codeOf(error);
    if (request.signal.aborted || code === 'CONTAINER_NOT_FOUND' || code === 'NOT_SUPPORTED') return;
    throw error;
  }
}

export interface FollowOptions extends Pick<LogsOptions, 'services' | 'exits' | 'until' | 'signal'> {
  readonly containers: readonly ObservedContainer[];
  /** Lines from this moment on, in seconds since the epoch. */
  readonly turn: string;
  /** Go on although nothing runs. */
  readonly held?: (() => boolean) | undefined;
}

/** Lines as they come, from the given containers and those of the services that start later. */
export async function* followFrom(engine: EngineApi, target: Target, options: FollowOptions): AsyncGenerator<LogLine> {
  if (!options.containers.some(isAlive) && !options.held?.()) return yield* ended(engine, options);
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const queue = createLiveQueue<LogLine>(50);
  const reading = new Map<string, Promise<void>>();
  const read = (container: Pick<ObservedContainer, 'id'> & Source, since: string) => {
    const task = readInto(queue, linesOf(engine, container, { follow: true, since, signal }));
    reading.set(container.id, task);
    task.catch((error: unknown) => queue.fail(error));
  };
  const living = options.containers.filter(isAlive);
  for (const container of living) read(container, options.turn);
  const finish = () => queue.end();
  signal.addEventListener('abort', finish, { once: true });
  const watching = watchProject(engine, target, { ...options, signal, queue, reading, read });
  watching.catch((error: unknown) => (signal.aborted ? queue.end() : queue.fail(error)));
  try {
    yield* queue.items;
  } finally {
    closing.abort();
    signal.removeEventListener('abort', finish);
  }
}

const isAlive = ({ state }: ObservedContainer): boolean =>
  state === 'running' || state === 'restarting' || state === 'paused';

/** All have ended already: what they wrote since, and how they ended. */
async function* ended(engine: EngineApi, options: FollowOptions): AsyncGenerator<LogLine> {
  const { containers, turn, exits, signal } = options;
  yield* mergeByTime(containers.map((container) => linesOf(engine, container, { since: turn, signal })));
  for (const { name, service, number, exitCode } of exits ? containers : []) {
    if (exitCode === undefined) continue;
    const from = { name, service, number };
    yield { from, stream: 'stdout', time: '', text: `exited with code ${exitCode}`, exitCode };
  }
}

async function readInto(queue: LiveQueue<LogLine>, lines: AsyncIterable<LogLine>): Promise<void> {
  for await (const line of lines) queue.push(line);
}

interface WatchOptions extends FollowOptions {
  readonly queue: LiveQueue<LogLine>;
  readonly reading: Map<string, Promise<void>>;
  readonly read: (container: Pick<ObservedContainer, 'id'> & Source, since: string) => void;
}

/** A container that is restarted is down this long at most. */
const restartMs = 500;

/** Takes in containers that start, says which end, and closes the queue after the last. */
async function watchProject(engine: EngineApi, target: Target, options: WatchOptions): Promise<void> {
  const { queue, reading, read, signal } = options;
  const alive = new Set(options.containers.filter(isAlive).map(({ id }) => id));
  const filters = { type: ['container'], label: [`${labels.project}=${target.project}`], event: ['start', 'die'] };
  const ends = new Map<string, string>();
  let ending: NodeJS.Timeout | undefined;
  for await (const event of engine.systemEvents({ since: options.turn, filters, signal })) {
    const container = sourceOf(event);
    if (options.services.length > 0 && !options.services.includes(container.service)) continue;
    if (event.Action === 'start') {
      if (alive.has(container.id)) continue;
      clearTimeout(ending);
      alive.add(container.id);
      read(container, ends.get(container.id) ?? options.turn); // its first lines may be older than the event
    } else if (event.Action === 'die') {
      await reading.get(container.id);
      alive.delete(container.id);
      ends.set(container.id, (event.timeNano / 1e9).toFixed(6));
      if (options.exits) queue.push(exitLine(event, container));
      if (alive.size === 0 && !options.held?.() && !(await anyLeft(engine, target, options)))
        ending = setTimeout(queue.end, restartMs);
    }
  }
}

function sourceOf({ Actor: { ID: id, Attributes: own } }: EventMessage): Pick<ObservedContainer, 'id'> & Source {
  return { id, name: own.name ?? '', service: own[labels.service] ?? '', number: Number(own[labels.number] ?? 1) };
}

function exitLine(event: EventMessage, { name, service, number }: Source): LogLine {
  const exitCode = Number(event.Actor.Attributes.exitCode ?? 0);
  const time = new Date(event.timeNano / 1e6).toISOString();
  return { from: { name, service, number }, stream: 'stdout', time, text: `exited with code ${exitCode}`, exitCode };
}

async function anyLeft(engine: EngineApi, target: Target, options: WatchOptions): Promise<boolean> {
  const left = await findContainers(engine, target, { services: options.services, signal: options.signal });
  return left.some(isAlive);
}
