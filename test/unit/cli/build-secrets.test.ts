import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { readSecrets } from '../../../src/cli/build-secrets.ts';

const dir = mkdtempSync(join(tmpdir(), 'iechor-secrets-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('secrets come from files and variables, under their id', () => {
  const file = join(dir, 'token');
  writeFileSync(file, 'from file');
  const environment = { TOKEN: 'from variable', bare: 'by name' };
  const entries = [`id=a,src=${file}`, 'id=b,env=TOKEN', 'type=env,id=c,src=TOKEN', 'id=bare', 'id=unset,env=UNSET'];
  expect(readSecrets(entries, environment)).toEqual({
    a: base64('from file'),
    b: base64('from variable'),
    c: base64('from variable'),
    bare: base64('by name'),
    unset: '',
  });
  expect(readSecrets(undefined, environment)).toBeUndefined();
});

test.each(['src=x', 'id=a,target=b', 'id', 'id=a,type=ssh', 'id=a,src=/no/such/file'])('%s is refused', (entry) => {
  expect(() => readSecrets([entry], {})).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
