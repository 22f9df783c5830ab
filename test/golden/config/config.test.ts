import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { renderConfig, renderTree, serviceHashes } from '../../../src/compose/config.ts';
import { load } from '../../../src/compose/source/load.ts';
import { unsupportedUses } from '../../../src/compose/source/unsupported.ts';

const directory = resolve('test/golden/config/everything');
const golden = (name: string) => readFileSync(join(directory, `${name}.golden`), 'utf8').trimEnd();
const shown = (text: string) => text.replaceAll(directory, '@DIR@').trimEnd();
const project = (interpolate = true) => load({ cwd: directory, environment: {}, interpolate });

// The expected texts are those of Docker Compose 2.40.3, to the character.
describe('a project with most attributes is printed', () => {
  test('in YAML', async () =>
    expect(shown(renderConfig((await project()).project, 'yaml'))).toBe(golden('config.yaml')));
  test('in JSON', async () =>
    expect(shown(renderConfig((await project()).project, 'json'))).toBe(golden('config.json')));
  test('with its variables', async () =>
    expect(shown(renderTree((await project(false)).tree, 'yaml'))).toBe(golden('no-interpolate.yaml')));
});

test('the hash of a service without paths is that of Docker Compose', async () => {
  const [, plain] = serviceHashes((await project()).project, '*');
  expect(golden('hash.txt').split('\n')).toContain(plain);
});

test('what is marked as unsupported is named with its place', async () => {
  const found = unsupportedUses(await project());
  expect(found).toMatchObject([
    { code: 'COMPOSE_UNSUPPORTED', path: 'services.web.pull_refresh_after', at: [{ line: 27 }] },
  ]);
});
