import { expect, test } from '@jest/globals';
import type { EngineApi } from '../../../../src/api/engine-api.ts';
import { pullImage } from '../../../../src/compose/run/pull-image.ts';

test('an interrupted pull, whose messages end like those of a whole one, has not succeeded', async () => {
  const interruption = new AbortController();
  const engine = {
    async *imageCreate() {
      yield { status: 'Downloading' };
      interruption.abort();
    },
  } as unknown as EngineApi;
  const pull = (signal: AbortSignal) => pullImage(engine, { image: 'busybox' }, { report: () => {}, signal });
  await expect(pull(interruption.signal)).rejects.toMatchObject({ name: 'AbortError' });
  await expect(pull(new AbortController().signal)).resolves.toBeUndefined();
});
