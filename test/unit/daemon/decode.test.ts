import { expect, test } from '@jest/globals';
import { decodeFields } from '../../../src/daemon/decode.ts';
import { createRouter } from '../../../src/daemon/router.ts';

const loginIn = (header: string) =>
  decodeFields(createRouter()('POST', '/images/a/push'), { 'x-registry-auth': header }).registryAuth;

test('a login counts without its fields that are null, as aiodocker sends them, and what is no login is none', () => {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const anna = { username: 'anna', password: 'pw' };
  expect(loginIn(encoded({ ...anna, email: null }))).toEqual(anna);
  for (const none of ['placeholder', '', encoded(null), encoded(['anna']), encoded({ username: 7 })]) {
    expect(loginIn(none)).toBeUndefined();
  }
});
