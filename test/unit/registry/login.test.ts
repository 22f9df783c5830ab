import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Bench, type OddRegistry, openBench, openOddRegistry } from './support.ts';

let odd: OddRegistry;
let bench: Bench;
/** Bodies of requests for tokens. */
let forms: URLSearchParams[];

/** A registry that hands out tokens for a password, and a refresh token to who asks for one. */
beforeEach(async () => {
  odd = await openOddRegistry();
  bench = openBench({ maxAttempts: 2 });
  forms = [];
  odd.publish('1', [Buffer.from('layer')]);
  const basic = `Basic ${Buffer.from('anna:pw').toString('base64')}`;
  odd.twist = async (request, response) => {
    const { authorization = '' } = request.headers;
    if (request.url?.startsWith('/token')) {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      if (request.method === 'POST') forms.push(form);
      const known = request.method === 'POST' ? form.get('refresh_token') === 'lasting' : authorization === basic;
      const reply = { access_token: 'brief', token: 'brief', refresh_token: 'lasting' };
      response.writeHead(known ? 200 : 401).end(JSON.stringify(reply));
      return true;
    }
    if (authorization === 'Bearer brief') return request.url === '/v2/' && Boolean(response.writeHead(200).end());
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${odd.host}/token",service="s"` }).end();
    return true;
  };
});
afterEach(() => {
  odd.close();
  bench.dispose();
});

const logIn = (password: string) =>
  bench.registry.logIn(odd.host, { kind: 'password', username: 'anna', password }, undefined);

test('a login gets an identity token in place of the password, and the token gets tokens of a moment', async () => {
  expect(await logIn('pw')).toEqual({ identityToken: 'lasting' });
  const credentials = { kind: 'identity', token: 'lasting' } as const;
  await bench.registry.pull(`${odd.host}/app:1`, { platform: 'linux/amd64', credentials });
  expect(forms.map((form) => Object.fromEntries(form))).toEqual([
    {
      grant_type: 'refresh_token',
      refresh_token: 'lasting',
      client_id: 'iechor',
      service: 's',
      scope: 'repository:app:pull',
    },
  ]);
});

test('a wrong password and a token that counts no more are told, and are in no address', async () => {
  await expect(logIn('wrong')).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  const credentials = { kind: 'identity', token: 'old' } as const;
  const pull = bench.registry.pull(`${odd.host}/app:1`, { platform: 'linux/amd64', credentials });
  await expect(pull).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  for (const { url } of odd.requests) expect(url).not.toMatch(/wrong|old|pw/);
});
