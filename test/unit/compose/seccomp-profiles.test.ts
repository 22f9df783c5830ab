import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withSeccompProfiles } from '../../../src/compose/seccomp-profiles.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-seccomp-'));
});
afterAll(() => rmSync(dir, { recursive: true }));
const options = (...SecurityOpt: string[]) =>
  withSeccompProfiles({ HostConfig: { SecurityOpt } }).HostConfig?.SecurityOpt;

test('the engine gets the text of a seccomp profile, not its path', () => {
  writeFileSync(join(dir, 'own.json'), '{ "defaultAction":\n "SCMP_ACT_ALLOW" }');
  expect(options('no-new-privileges', `seccomp=${dir}/own.json`, 'seccomp=unconfined')).toEqual([
    'no-new-privileges',
    'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}',
    'seccomp=unconfined',
  ]);
});

test.each([
  ['is not there', 'missing.json', 'cannot be read (ENOENT)'],
  ['is no JSON', 'broken.json', 'is not valid JSON'],
])('a profile that %s is refused by its path', (_, name, words) => {
  writeFileSync(join(dir, 'broken.json'), '{');
  expect(() => options(`seccomp=${dir}/${name}`)).toThrow(`the seccomp profile ${dir}/${name} ${words}`);
});
