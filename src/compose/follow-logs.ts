import type { EngineApi } from '../api/engine-api.ts';
import type { EventMessage } from '../api/types/system.ts';
import { type LogLine, linesOf, type Source } from './log-source.ts';
import { labels } from './plan/labels.ts';
import type { ObservedContainer } from './plan/observe.ts';
import { createLiveQueue, type LiveQueue } from './run/live-queue.ts';
import { mergeByTime } from './run/log-lines.ts';
import { findContainers, meant, type Target } from './state.ts';

export interface FollowOptions {
  /** Services whose containers are followed; none: all. */
  readonly services: readonly string[];
  /** Whose lines are handed out; undefined: those of all that are followed. */
  readonly shows?: ((service: string) => boolean) | undefined;
  /** Following ends when no container of these runs any more; undefined: of any. */
  readonly counts?: ((service: string) => boolean) | undefined;
  readonly containers: readonly ObservedContainer[];
  /** Say when a container ends. */
  readonly exits?: boolean;
  readonly until?: string | undefined;
  readonly signal: AbortSignal;
  /** Lines from this moment on, in seconds since the epoch. */
  readonly turn: string;
  /** Go on although nothing runs. */
  readonly held?: (() => boolean) | undefined;
  /** While it is open, containers are being started: following goes on, and takes in at its end those that run. */
  readonly starting?: Promise<readonly ObservedContainer[]> | undefined;
}

/** Lines as they come, from the given containers and those of the services that start later. */
export async function* followFrom(engine: EngineApi, target: Target, options: FollowOptions): AsyncGenerator<LogLine> {
  if (!options.starting && !options.containers.some(isAlive) && !options.held?.()) return yield* ended(engine, options);
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const queue = createLiveQueue<LogLine>(50);
  const reading = new Map<string, Promise<void>>();
  const read = (container: Pick<ObservedContainer, 'id'> & Source, since: string) => {
    if (options.shows?.(container.service) === false) return void reading.set(container.id, Promise.resolve());
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
  for (const container of exits ? containers : []) if (container.exitCode !== undefined) yield endOf(container);
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
  const alive = new Map(options.containers.filter(isAlive).map(({ id, service }) => [id, service]));
  const counts = options.counts ?? (() => true);
  const filters = { type: ['container'], label: [`${labels.project}=${target.project}`], event: ['start', 'die'] };
  const ends = new Map<string, string>();
  const told = new Map<string, number>();
  let isStarting = options.starting !== undefined;
  let ending: NodeJS.Timeout | undefined;
  const endAfterLast = async () => {
    if ([...alive.values()].some(counts) || isStarting || options.held?.()) return;
    if (await anyLeft(engine, target, { ...options, counts })) return;
    clearTimeout(ending);
    ending = setTimeout(queue.end, restartMs);
  };
  const join = (container: Pick<ObservedContainer, 'id'> & Source) => {
    if (alive.has(container.id)) return;
    clearTimeout(ending);
    alive.set(container.id, container.service);
    read(container, ends.get(container.id) ?? options.turn); // its first lines may be older than the event
  };
  const started = options.starting?.then(async (containers) => {
    isStarting = false;
    const at = Date.now() * 1e6;
    containers.filter(isAlive).forEach(join);
    for (const container of containers) {
      if (isAlive(container) || reading.has(container.id) || container.exitCode === undefined) continue;
      told.set(container.id, at);
      const last = await readEnded(engine, container, options);
      if (last !== undefined && options.exits) queue.push({ ...endOf(container), time: last });
    }
    await endAfterLast();
  });
  started?.catch((error: unknown) => (signal.aborted ? queue.end() : queue.fail(error)));
  for await (const event of engine.systemEvents({ since: options.turn, filters, signal })) {
    const container = sourceOf(event);
    if (options.services.length > 0 && !options.services.includes(container.service)) continue;
    if (meant(target, options.services, [container]).length === 0) continue;
    if (options.exits && event.Actor.Attributes[labels.oneoff] === 'True') continue;
    if (event.timeNano <= (told.get(container.id) ?? 0)) continue;
    if (event.Action === 'start') join(container);
    else if (event.Action === 'die' && (alive.has(container.id) || !options.starting)) {
      await reading.get(container.id);
      alive.delete(container.id);
      ends.set(container.id, (event.timeNano / 1e9).toFixed(6));
      if (options.exits) queue.push(exitLine(event, container));
      await endAfterLast();
    }
  }
}

/** Hands out what a container wrote that ended before anything was heard of it. Resolves with the last line's time. */
async function readEnded(
  engine: EngineApi,
  container: ObservedContainer,
  options: WatchOptions,
): Promise<string | undefined> {
  let last: string | undefined;
  if (options.shows?.(container.service) === false) return undefined;
  for await (const line of linesOf(engine, container, { since: options.turn, signal: options.signal })) {
    last = line.time;
    options.queue.push(line);
  }
  return last;
}

/** What is started in the place of another one has its name with a prefix at first. */
function sourceOf({ Actor: { ID: id, Attributes: own } }: EventMessage): Pick<ObservedContainer, 'id'> & Source {
  const name = (own.name ?? '').replace(/^[0-9a-f]{12}_/, '');
  return { id, name, service: own[labels.service] ?? '', number: Number(own[labels.number] ?? 1) };
}

function endOf({ name, service, number, exitCode = 0 }: ObservedContainer): LogLine {
  const from = { name, service, number };
  return { from, stream: 'stdout', time: '', text: `exited with code ${exitCode}`, exitCode };
}

function exitLine(event: EventMessage, { name, service, number }: Source): LogLine {
  const exitCode = Number(event.Actor.Attributes.exitCode ?? 0);
  const time = new Date(event.timeNano / 1e6).toISOString();
  return { from: { name, service, number }, stream: 'stdout', time, text: `exited with code ${exitCode}`, exitCode };
}

async function anyLeft(
  engine: EngineApi,
  target: Target,
  options: WatchOptions & { readonly counts: (service: string) => boolean },
): Promise<boolean> {
  const { services, signal } = options;
  const left = meant(target, services, await findContainers(engine, target, { services, signal }));
  return left.some((container) => isAlive(container) && options.counts(container.service));
}
