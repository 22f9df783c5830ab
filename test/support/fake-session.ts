import type { ProgressEvent } from '../../src/compose/run/progress.ts';
import type { Session } from '../../src/compose/session.ts';
import type { FakeEngine } from './fake-engine.ts';

export interface FakeSession extends Session {
  readonly events: ProgressEvent[];
  readonly notices: string[];
  /** The two interrupts. */
  readonly soft: AbortController;
  readonly hard: AbortController;
}

/** A session on a fake engine that keeps what it is told. */
export function fakeSession(engine: FakeEngine): FakeSession {
  const events: ProgressEvent[] = [];
  const notices: string[] = [];
  const soft = new AbortController();
  const hard = new AbortController();
  return {
    engine: engine.api,
    events,
    notices,
    soft,
    hard,
    sink: (event) => void events.push(event),
    notice: (text) => void notices.push(text),
    diagnose: ({ message }) => void notices.push(message),
    signal: soft.signal,
    kill: hard.signal,
  };
}
