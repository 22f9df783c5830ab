import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const sources = new Set(readdirSync('src', { recursive: true }).map((file) => basename(String(file))));
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true }).map((file) => join('docs', String(file))),
].filter((file) => file.endsWith('.md'));

test.each(documents)('%s names no source file that is not there', (document) => {
  const named = [...readFileSync(document, 'utf8').matchAll(/`(?:[\w./<>*-]+\/)?([a-z0-9][a-z0-9-]*\.ts)`/g)].map(
    (match) => match[1] ?? '',
  );
  expect(named.filter((file) => !sources.has(file) && !file.startsWith('x-'))).toEqual([]);
});

test.each(documents)('%s links to nothing that is not there', (document) => {
  const links = [...readFileSync(document, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
    (match) => match[1] ?? '',
  );
  expect(links.filter((link) => !existsSync(join(dirname(document), link)))).toEqual([]);
});

test('every folder of the sources says what it owns', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.filter(({ name }) => !existsSync(join('src', name, 'README.md'))).map(({ name }) => name)).toEqual([]);
});
