import type { Credentials } from './credentials.ts';
import type { Endpoint } from './hosts.ts';
import { openSession, type Session } from './session.ts';
import type { RegistrySettings } from './settings.ts';

/** Conversations that go on as long as somebody needs them, shared by all who are the same to a registry. */
export interface Sessions {
  /** To be released once. */
  acquire(endpoint: Endpoint, credentials?: Credentials): { readonly session: Session; release(): void };
}

export function createSessions(settings: RegistrySettings): Sessions {
  const open = new Map<string, { readonly session: Session; users: number }>();
  return {
    acquire: (endpoint, credentials) => {
      const key = JSON.stringify([endpoint, credentials ?? null]);
      const entry = open.get(key) ?? { session: openSession(endpoint, { settings, credentials }), users: 0 };
      entry.users++;
      open.set(key, entry);
      let released = false;
      const release = () => {
        if (released) return;
        released = true;
        if (--entry.users > 0) return;
        open.delete(key);
        entry.session.close();
      };
      return { session: entry.session, release };
    },
  };
}
