import type { EngineApi } from '../api/engine-api.ts';
import type { Filters } from '../api/requests.ts';
import type { EventMessage } from '../api/types/system.ts';
import { IechorError } from '../common/error.ts';
import type { EngineContext, EventHub } from './context.ts';
import { nowNano, parseInstant } from './instant.ts';

const keptMessages = 1024;
/** Messages a reader may lag behind before the oldest of them are dropped. */
const maxLag = 2048;

/** The hub of all events of one daemon. */
export function createEvents(): EventHub {
  const kept: EventMessage[] = [];
  const readers = new Set<(message: EventMessage) => void>();
  let last = 0n;
  return {
    publish({ type, action, id, attributes }) {
      const now = nowNano();
      last = now > last ? now : last + 1n;
      const message = toMessage({ type, action, id, attributes }, last);
      kept.push(message);
      if (kept.length > keptMessages) kept.shift();
      for (const give of readers) give(message);
    },
    subscribe({ sinceNano, signal }) {
      const queue = createQueue(signal);
      if (sinceNano !== undefined) for (const message of kept) if (message.timeNano >= sinceNano) queue.give(message);
      readers.add(queue.give);
      queue.onEnd(() => readers.delete(queue.give));
      return queue.items;
    },
  };
}

function toMessage(event: Parameters<EventHub['publish']>[0], nano: bigint): EventMessage {
  const isOld = event.type === 'container' || event.type === 'image';
  return {
    ...(isOld && { status: event.action, id: event.id }),
    ...(event.type === 'container' && { from: event.attributes.image ?? '' }),
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.id, Attributes: { ...event.attributes } },
    scope: 'local',
    time: Number(nano / 1_000_000_000n),
    timeNano: Number(nano),
  };
}

interface Queue {
  readonly items: AsyncIterable<EventMessage>;
  give(message: EventMessage): void;
  onEnd(action: () => void): void;
}

/** A bounded queue that is filled from the moment it is made, and ends when the signal aborts or its reader leaves. */
function createQueue(signal: AbortSignal | undefined): Queue {
  const waiting: EventMessage[] = [];
  let lost = 0;
  let wake = () => {};
  let ended = signal?.aborted ?? false;
  const onEnd: (() => void)[] = [];
  const end = () => {
    ended = true;
    signal?.removeEventListener('abort', end);
    for (const action of onEnd) action();
    wake();
  };
  signal?.addEventListener('abort', end, { once: true });
  const next = async (): Promise<IteratorResult<EventMessage>> => {
    for (;;) {
      if (lost > 0) {
        const value = lostMessage(lost);
        lost = 0;
        return { done: false, value };
      }
      const value = waiting.shift();
      if (value) return { done: false, value };
      if (ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const iterator: AsyncIterableIterator<EventMessage> = {
    next,
    return: async () => {
      waiting.length = 0;
      end();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return {
    items: iterator,
    give(message) {
      waiting.push(message);
      if (waiting.length > maxLag) {
        waiting.shift();
        lost += 1;
      }
      wake();
    },
    onEnd: (action) => (ended ? action() : onEnd.push(action)),
  };
}

/** Tells a reader that was too slow that it has missed messages. */
function lostMessage(count: number): EventMessage {
  const now = Date.now();
  return {
    Type: 'daemon',
    Action: 'events-lost',
    Actor: { ID: '', Attributes: { count: String(count) } },
    scope: 'local',
    time: Math.floor(now / 1000),
    timeNano: now * 1e6,
  };
}

/** Docker's GET /events: past messages from `since` on, live ones until `until`. */
export function systemEvents(
  context: EngineContext,
  { since, until, filters = {}, signal }: Parameters<EngineApi['systemEvents']>[0],
): AsyncIterable<EventMessage> {
  const accepts = matcher(filters);
  const sinceNano = since === undefined || since === '' ? undefined : Number(parseInstant(since, 'since'));
  const untilNano = until === undefined || until === '' ? undefined : Number(parseInstant(until, 'until'));
  if (sinceNano !== undefined && untilNano !== undefined && sinceNano > untilNano) {
    throw new IechorError('BAD_REQUEST', `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  }
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  // Asked for the past alone: what is kept is given, then it ends.
  const from = sinceNano ?? (untilNano === undefined ? undefined : 0);
  const messages = context.events.subscribe({
    ...(from !== undefined && { sinceNano: from }),
    signal: controller.signal,
  });
  return filtered();

  async function* filtered(): AsyncGenerator<EventMessage> {
    const waitMilliseconds = untilNano === undefined ? undefined : untilNano / 1e6 - Date.now();
    const timer = waitMilliseconds === undefined ? undefined : setTimeout(stop, clamp(waitMilliseconds));
    try {
      for await (const message of messages) {
        if (untilNano !== undefined && message.timeNano > untilNano) return;
        if (accepts(message)) yield message;
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      stop();
    }
  }
}

/** At least a turn for what is queued, at most what timers take. */
const clamp = (milliseconds: number) => Math.min(Math.max(milliseconds, 20), 2 ** 31 - 1);

type Test = (message: EventMessage, value: string) => boolean;

const ofActor =
  (type: EventMessage['Type']): Test =>
  ({ Type, Actor }, value) =>
    Type === type && (Actor.ID === value || Actor.ID.startsWith(value) || Actor.Attributes.name === value);

const filterTests: Readonly<Record<string, Test>> = {
  type: ({ Type }, value) => Type === value,
  event: ({ Action }, value) => Action === value || Action.startsWith(`${value}:`),
  container: ofActor('container'),
  network: ofActor('network'),
  volume: ofActor('volume'),
  daemon: ofActor('daemon'),
  image: ({ Type, Actor }, value) =>
    Type === 'image'
      ? Actor.ID === value || Actor.Attributes.name === value
      : Actor.Attributes.image === value || Actor.Attributes.image?.split(':')[0] === value,
  label: ({ Actor }, value) => {
    const [name = '', ...rest] = value.split('=');
    const label = Object.hasOwn(Actor.Attributes, name) ? Actor.Attributes[name] : undefined;
    return label !== undefined && (rest.length === 0 || label === rest.join('='));
  },
  scope: ({ scope }, value) => scope === value,
};

function matcher(filters: Filters): (message: EventMessage) => boolean {
  for (const name of Object.keys(filters)) {
    if (Object.hasOwn(filterTests, name)) continue;
    throw new IechorError('BAD_REQUEST', `invalid filter "${name}"`, {
      hint: `filters of events: ${Object.keys(filterTests).join(', ')}`,
    });
  }
  // Labels are and-ed, the values of the others or-ed; a marker of lost messages passes them all.
  return (message) =>
    message.Action === 'events-lost' ||
    Object.entries(filters).every(([name, values]) => {
      const test = filterTests[name];
      if (!test || values.length === 0) return true;
      const matches = (value: string) => test(message, value);
      return name === 'label' ? values.every(matches) : values.some(matches);
    });
}
