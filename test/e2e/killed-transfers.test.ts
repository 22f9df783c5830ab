import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generator } from '../chaos/random.ts';
import { playTransfer, prepareTransfers, type Transfers } from '../chaos/transfers.ts';
import { type DockerRegistry, registryProgram, startDockerRegistry } from '../support/docker-registry.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

/** The others are killed in test/engine/image, without a daemon. */
const operations = ['pull', 'push', 'commit'] as const;

describeWithContainers('a daemon that is killed while images come and go', () => {
  if (!registryProgram) {
    test.skip('this machine lacks docker-registry', () => {});
    return;
  }
  let engine: PrivateEngine;
  let registry: DockerRegistry;
  let all: Transfers;

  beforeAll(async () => {
    engine = createPrivateEngine();
    registry = await startDockerRegistry(join(engine.dir, 'registry'));
    importBusybox(engine);
    all = prepareTransfers(engine, { host: registry.host, random: generator(1), megabytes: 3, operations });
  }, 180_000);
  afterAll(async () => {
    await registry?.stop();
    engine.dispose();
  });

  test.each(operations)(
    'in a %s: what was complete stays, the command can be given again, and no byte is left over',
    async (operation) => {
      expect((await playTransfer(all, operation)).wrong).toEqual([]);
    },
    120_000,
  );
});
