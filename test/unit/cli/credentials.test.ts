import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openLogins, tokenUser } from '../../../src/cli/credentials.ts';

let dir: string;
let path: string | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-logins-'));
  path = process.env.PATH;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(dir, { recursive: true });
});

const environment = (): Record<string, string> => ({ IECHOR_CONFIG: dir, PASSWORD_STORE_DIR: join(dir, 'none') });
const logins = () => openLogins(undefined, environment());
const config = (content: object) => writeFileSync(join(dir, 'config.json'), JSON.stringify(content));
const configNow = () => JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'));
const login = { username: 'anna', secret: 's3cret' };
const found = { username: 'anna', password: 's3cret' };

test('a login is kept encrypted, for its owner alone, and what else the configuration says stays', async () => {
  config({ HttpHeaders: { 'X-Y': 'z' }, auths: {} });
  await logins().keep('reg.example:5000', login);
  await logins().keep('docker.io', { username: tokenUser, secret: 'token' });
  expect(await logins().find('reg.example:5000')).toMatchObject(found);
  expect(await logins().find('docker.io')).toMatchObject({ identitytoken: 'token' });
  expect(await logins().find('reg.example')).toBeUndefined();
  expect(configNow()).toEqual({
    HttpHeaders: { 'X-Y': 'z' },
    auths: { 'reg.example:5000': {}, 'https://index.docker.io/v1/': {} },
  });
  for (const file of readdirSync(dir)) {
    expect(readFileSync(join(dir, file)).includes('s3cret')).toBe(false);
    if (file !== 'config.json') expect([file, statSync(join(dir, file)).mode & 0o777]).toEqual([file, 0o600]);
  }
  expect(Object.keys(await logins().all()).sort()).toEqual(['https://index.docker.io/v1/', 'reg.example:5000']);
  expect([await logins().forget('reg.example:5000'), await logins().forget('reg.example:5000')]).toEqual([true, false]);
  expect(await logins().find('reg.example:5000')).toBeUndefined();
});

test('another key than the one a file was written with is said so', async () => {
  await logins().keep('reg.example', login);
  writeFileSync(join(dir, 'iechor-credentials.key'), Buffer.alloc(32));
  await expect(logins().find('reg.example')).rejects.toMatchObject({ code: 'CREDENTIALS' });
});

test("Docker's file is read in the forms it has had, and a broken one is no login but an error", async () => {
  const auth = Buffer.from('anna:s3cret').toString('base64');
  config({ auths: { 'https://reg.example/v1/': { auth }, 'https://index.docker.io/v1/': { auth } } });
  expect(await logins().find('reg.example')).toMatchObject({ auth });
  expect(await logins().find('docker.io')).toMatchObject({ auth, serveraddress: 'https://index.docker.io/v1/' });
  writeFileSync(join(dir, 'config.json'), `{"auths": {"x": {"auth": "${auth}"`);
  await expect(logins().find('reg.example')).rejects.toMatchObject({
    code: 'CREDENTIALS',
    message: expect.not.stringContaining(auth),
  });
});

test('a helper is asked by its protocol: nothing secret is an argument', async () => {
  const program = join(dir, 'docker-credential-test');
  const state = join(dir, 'state');
  writeFileSync(
    program,
    `#!/bin/sh\necho "$@" >> ${dir}/arguments\ninput=$(cat)\ncase $1 in\n  store) printf %s "$input" > ${state} ;;\n  get) [ -e ${state} ] && cat ${state} || { echo "credentials not found in native keychain"; exit 1; } ;;\n  erase) rm -f ${state} ;;\n  list) echo '{}' ;;\nesac\n`,
  );
  chmodSync(program, 0o755);
  process.env.PATH = `${dir}:${path}`;
  config({ credsStore: 'test' });
  expect(await logins().find('reg.example')).toBeUndefined();
  expect(await logins().keep('reg.example', login)).toContain('test');
  expect(JSON.parse(readFileSync(state, 'utf8'))).toEqual({
    ServerURL: 'reg.example',
    Username: 'anna',
    Secret: 's3cret',
  });
  expect(await logins().find('reg.example')).toMatchObject(found);
  expect(await logins().forget('reg.example')).toBe(true);
  expect(readFileSync(join(dir, 'arguments'), 'utf8')).not.toContain('s3cret');
  config({ credHelpers: { 'reg.example': 'missing' } });
  await expect(logins().find('reg.example')).rejects.toMatchObject({ code: 'CREDENTIALS' });
});
