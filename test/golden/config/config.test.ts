import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { renderConfig, renderTree, serviceHashes } from '../../../src/compose/config.ts';
import { unsupportedAttributes } from '../../../src/compose/plan/unsupported.ts';
import { load } from '../../../src/compose/source/load.ts';
import { projectFiles } from '../../unit/compose/source/project-files.ts';

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

test('dates are printed as dates', async () => {
  using files = projectFiles({
    'compose.yaml':
      'services: {web: {image: x}}\nx-a: [2001-2-3, 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43, 2001-12-14 +1]\n',
  });
  const { project: dated } = await files.load();
  const dates = ['2001-02-03T00:00:00Z', '2001-12-14T21:59:43.1-05:00', '2001-12-14T21:59:43Z'];
  expect(renderConfig(dated, 'yaml')).toContain(
    `x-a:\n${[...dates, '2001-12-14 +1'].map((date) => `  - ${date}\n`).join('')}`,
  );
  expect(JSON.parse(renderConfig(dated, 'json'))['x-a'].slice(0, 3)).toEqual(dates);
});

test('a network without attributes is printed as one, also where nothing is filled in', async () => {
  using files = projectFiles({
    'compose.yaml': 'services: {web: {image: x, networks: [net]}}\nnetworks: {net: }\nvolumes: {v: }\n',
  });
  const bare = await files.load({ normalize: false, allResources: true });
  expect(renderConfig(bare.project, 'yaml')).toContain('networks:\n  net: {}\nvolumes:\n  v: {}\n');
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
