import { afterAll, beforeAll } from '@jest/globals';
import { createDockerProject, type DockerProject, describeWithDocker } from './docker-engine.ts';
import { describeWithContainers } from './needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from './private-engine.ts';

/** The same tests on an engine of ours and, where there is one, on a real Docker Engine; both hold `busybox:latest`. */
export function describeOnEngines(
  name: string,
  body: (make: (label: string) => DockerProject, engine: { readonly ours: boolean }) => void,
): void {
  describeWithContainers(`${name} (iechord)`, () => {
    let engine: PrivateEngine;
    beforeAll(() => {
      engine = createPrivateEngine();
      importBusybox(engine);
    });
    body((label) => createDockerProject(engine.socketPath, label), { ours: true });
    afterAll(() => engine.dispose()); // last: what the tests made goes first
  });
  describeWithDocker(`${name} (Docker Engine)`, (socket) =>
    body((label) => createDockerProject(socket, label), { ours: false }),
  );
}

/** A command of a service that ends at once on SIGTERM. */
export const idle = `command: sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'`;
