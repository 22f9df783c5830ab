import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { renderConfig, renderTree, serviceHashes } from '../../../src/compose/config.ts';
import { load } from '../../../src/compose/source/load.ts';
import { unsupportedAttributes } from '../../../src/compose/plan/unsupported.ts';

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

test('what the engine cannot do is named with its place', async () => {
  const { project, origins } = await load({ cwd: directory, environment: {} });
  const spanOf = (...path: (string | number)[]) => origins.spans(path);
  const found = unsupportedAttributes({ project, spanOf }, new Set(['web']));
  expect(found).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      path: 'services.web.pull_refresh_after',
      at: [expect.objectContaining({ line: 27 })],
    }),
  );
});
