import { describe } from '@jest/globals';
import { dockerSocket } from '../support/docker-engine.ts';
import { missingForContainers } from '../support/machine.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

/** An engine that a session of a client drives: a private one of ours, or a real Docker Engine with busybox. */
export interface SessionEngine {
  readonly socketPath: string;
  /** Begins the names of all that the session makes. */
  readonly prefix: string;
  dispose(): void;
}

/** The same tests on our engine and, where there is one, on Docker's own; what cannot run is skipped by name. */
export function describeSessions(client: string, lacking: string, body: (open: () => SessionEngine) => void): void {
  const socket = dockerSocket();
  const engines: readonly (readonly [name: string, lacking: string, open: () => SessionEngine])[] = [
    ['iechord', missingForContainers().join(', '), openPrivate],
    [
      'a Docker Engine',
      socket ? '' : 'a Docker Engine (IECHOR_TEST_DOCKER_SOCKET)',
      () => ({ socketPath: socket ?? '', prefix: `t${process.pid}d`, dispose() {} }),
    ],
  ];
  for (const [name, lackingEngine, open] of engines) {
    const title = `${client} on ${name}`;
    const missing = lacking || lackingEngine;
    if (missing) console.warn(`SKIPPED: ${title}: this machine lacks ${missing}`);
    (missing ? describe.skip : describe)(title, () => body(open));
  }
}

function openPrivate(): SessionEngine {
  const engine: PrivateEngine = createPrivateEngine();
  importBusybox(engine);
  return { socketPath: engine.socketPath, prefix: `t${process.pid}i`, dispose: () => engine.dispose() };
}
