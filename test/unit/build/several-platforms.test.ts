import { expect, test } from '@jest/globals';
import type { BuildRequest } from '../../../src/build/build-context.ts';
import type { BuildEvent } from '../../../src/build/events.ts';
import { buildEach } from '../../../src/build/several-platforms.ts';

test('the images of several platforms are told in the order asked for, whichever was built first', async () => {
  const platforms = ['linux/amd64', 'linux/arm64'];
  const ended = Promise.withResolvers<void>();
  async function* build({ platform = '' }: BuildRequest): AsyncGenerator<BuildEvent> {
    if (platform === 'linux/amd64') await ended.promise;
    yield { aux: { ID: `sha256:${platform}` } };
    ended.resolve();
  }
  const events = [];
  const request: BuildRequest = { contextDir: '/', platforms };
  for await (const event of buildEach(request, { images: { tag: () => {} }, build })) events.push(event);
  const told = events.flatMap(({ aux }) => Object.keys(aux?.Platforms ?? {}));
  expect(told).toEqual(platforms);
});
