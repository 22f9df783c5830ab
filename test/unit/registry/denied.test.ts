import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Bench, type OddRegistry, openBench, openOddRegistry } from './support.ts';

let odd: OddRegistry;
let bench: Bench;

beforeEach(async () => {
  odd = await openOddRegistry();
  bench = openBench({ maxAttempts: 2 });
});
afterEach(() => {
  odd.close();
  bench.dispose();
});

const anna = { kind: 'password', username: 'anna', password: 'pw' } as const;

/** Pulls where every request but that for a token is refused with this challenge. */
async function refusal(challenge: string, credentials?: typeof anna): Promise<unknown> {
  odd.twist = (request, response) => {
    if (request.url?.startsWith('/token')) response.end(JSON.stringify({ token: 't' }));
    else response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  };
  return bench.registry.pull(`${odd.host}/app:1`, { platform: 'linux/amd64', credentials }).catch((error) => error);
}

test('a refused pull ends in the words of Docker that programs look for', async () => {
  const refused = async (credentials?: typeof anna) => refusal('Basic realm="r"', credentials);
  const code = 'REGISTRY_DENIED';
  expect(await refused()).toMatchObject({ code, message: expect.stringMatching(/: no basic auth credentials$/) });
  expect(await refused(anna)).toMatchObject({
    code,
    message: expect.stringMatching(/: unauthorized: authentication required$/),
  });
});

test('a repository that tokens give no right to is as one that is not there: docker-py tells it by these words', async () => {
  const challenge = `Bearer realm="http://${odd.host}/token",service="s",error="insufficient_scope"`;
  expect(await refusal(challenge)).toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: expect.stringMatching(
      /^pull access denied for \S+\/app, repository does not exist or may require 'iechor login': denied: /,
    ),
  });
});
