import type { EngineApi } from '../api/engine-api.ts';
import { labels } from './plan/labels.ts';
import type { Target } from './state.ts';

/** Something that happened to a container of the project. */
export interface ContainerEvent {
  readonly action: string;
  readonly id: string;
  readonly service: string;
  /** Nanoseconds since the epoch; a double holds them to about 0.2 microseconds. */
  readonly timeNano: number;
  /** Without the labels that Compose itself writes. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Events of the project's containers, one-off ones included, as they come; up to `until`, or until `signal` aborts. */
export async function* events(
  engine: EngineApi,
  target: Target,
  options: {
    readonly services: readonly string[];
    readonly since?: string | undefined;
    readonly until?: string | undefined;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<ContainerEvent> {
  const { since, until, signal, services } = options;
  const filters = { type: ['container'], label: [`${labels.project}=${target.project}`] };
  try {
    for await (const { Action: action, Actor, timeNano } of engine.systemEvents({ since, until, filters, signal })) {
      const service = Actor.Attributes[labels.service] ?? '';
      if (services.length > 0 && !services.includes(service)) continue;
      const own = Object.entries(Actor.Attributes).filter(([key]) => !/^(com\.docker|io\.iechor)\.compose\./.test(key));
      yield { action, id: Actor.ID, service, timeNano, attributes: Object.fromEntries(own) };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
