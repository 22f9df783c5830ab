import { expect, test } from '@jest/globals';
import { createOneOff, type OneOff } from '../../../src/compose/run-oneoff.ts';
import { project, service } from '../../support/compose-model.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { fakeSession } from '../../support/fake-session.ts';

const plain: OneOff = {
  service: 'web',
  command: ['true'],
  environment: {},
  labels: {},
  capAdd: [],
  capDrop: [],
  volumes: [],
  ports: [],
  servicePorts: false,
  useAliases: false,
  tty: true,
  interactive: false,
  detach: false,
  autoRemove: false,
  dependencies: true,
  build: false,
  removeOrphans: false,
  ignoreOrphans: false,
};

test('a one-off container names those that ended before it, removes them when told to, and knows the window', async () => {
  const engine = createFakeEngine({ 'busybox:latest': 'sha256:b0' });
  const shop = project({ web: service() });
  const run = async (given: Partial<OneOff>) => {
    const session = fakeSession(engine);
    const { id, name } = await createOneOff(session, shop, { ...plain, ...given });
    await engine.api.containerStart({ id });
    await engine.api.containerKill({ id });
    return { id, name, notices: session.notices.join('\n') };
  };
  const first = await run({ consoleSize: [40, 120] });
  expect(first.notices).toBe('');
  expect(engine.containers.get(first.id)?.body.HostConfig).toMatchObject({ ConsoleSize: [40, 120] });
  expect((await run({})).notices).toContain(`Found orphan containers ([${first.name}]) for this project`);
  expect((await run({ ignoreOrphans: true })).notices).toBe('');
  const last = await run({ removeOrphans: true });
  expect([...engine.containers.values()].map(({ name }) => name)).toEqual([last.name]);
});
