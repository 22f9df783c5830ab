import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { renderApi } from '../../../scripts/api-docs.ts';

test('docs/api.md is what the table of routes says: run "npm run docs"', () => {
  expect(readFileSync('docs/api.md', 'utf8')).toBe(renderApi());
});
