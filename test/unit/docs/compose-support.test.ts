import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { attributes, ourSupport, renderSupport } from '../../../scripts/compose-support.ts';
import { unsupportedRows } from '../../../src/compose/plan/unsupported.ts';
import { peerSupport } from '../../../src/compose/source/peer-support.ts';

test('docs/compose-support.md is what the tables say: run "npm run docs"', () => {
  expect(readFileSync('docs/compose-support.md', 'utf8')).toBe(renderSupport());
});

test('what is listed as beyond a plan, and of others, is in the attribute table', () => {
  const paths = new Set(attributes().map(({ path }) => path));
  const listed = [...unsupportedRows.map(({ path }) => path), ...peerSupport.keys()];
  expect(listed.filter((path) => !paths.has(path))).toEqual([]);
});

/** Read by the loader, and gone or carried over when a plan is made. */
const loaders = new Set(['extends', 'label_file', 'env_file', 'profiles']);

test('every attribute of a service is used in planning, or named as what a plan cannot do', () => {
  const folders = ['src/compose/plan', 'src/compose/run', 'src/compose', 'src/cli'];
  const planning = folders
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((file) => file.endsWith('.ts') && !/\/(unsupported|explain|config|fingerprints)\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const unused = attributes()
    .filter(({ path }) => /^services\.\*\.\w+$/.test(path))
    .filter((attribute) => ourSupport(attribute) === 'yes')
    .map(({ path }) => path.slice('services.*.'.length))
    .filter((name) => !loaders.has(name) && !new RegExp(`\\b${name}\\b`).test(planning));
  expect(unused).toEqual([]);
});
