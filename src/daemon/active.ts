import { IechorError } from '../common/error.ts';
import type { Match } from './router.ts';

/** A request under way. `lasting` ones (streams, waits) are ended at once when the daemon stops. */
export interface Active {
  readonly match: Match;
  readonly controller: AbortController;
  readonly lasting: boolean;
}

/** What lasts as long as its connection. */
export type ActiveConnection = Omit<Active, 'match'>;

/** The requests under way of one server. */
export interface ActiveRequests {
  /** Throws DAEMON_UNREACHABLE once the server is closing. */
  begin(match: Match): Active;
  beginConnection(): ActiveConnection;
  settle(active: ActiveConnection): void;
  /** No further ones; lasting ones are ended. */
  close(): void;
  abortAll(): void;
}

/** `onSettled` is called for those that end while the server is closing. */
export function createActiveRequests(onSettled: () => void): ActiveRequests {
  const all = new Set<ActiveConnection>();
  let closing = false;
  const begin = <T extends ActiveConnection>(active: T): T => {
    if (closing) throw new IechorError('DAEMON_UNREACHABLE', 'the engine is stopping', { hint: 'try again' });
    all.add(active);
    return active;
  };
  return {
    begin: (match) => begin({ match, controller: new AbortController(), lasting: isLasting(match) }),
    beginConnection: () => begin({ controller: new AbortController(), lasting: true }),
    settle(active) {
      all.delete(active);
      active.controller.abort();
      if (closing) onSettled();
    },
    close() {
      closing = true;
      for (const { lasting, controller } of all) if (lasting) controller.abort();
    },
    abortAll() {
      for (const { controller } of all) controller.abort();
    },
  };
}

function isLasting({ op, route }: Match): boolean {
  return op === 'containerWait' || !['json', 'none', 'text', 'stat'].includes(route.reply);
}
