import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { errorCatalogue } from '../../../src/common/error-catalogue.ts';
import { version } from '../../../src/common/version.ts';

test('every error code has a page of its own, and no page stands for a code that is gone', () => {
  const pages = readdirSync('docs/errors').map((file) => file.replace(/\.md$/, ''));
  expect(pages.sort()).toEqual(Object.keys(errorCatalogue).sort());
});

test('the program states the version of its package', () => {
  expect((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version).toBe(version);
});
