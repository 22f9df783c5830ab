import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Batches, watchBatches } from '../../../../src/compose/watch/batches.ts';
import { Tree } from '../../../../src/compose/watch/tree.ts';

let dir: string;
let ending: AbortController;
let batches: Batches | undefined;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'iechor-watch-')));
  ending = new AbortController();
});
afterEach(() => {
  batches?.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);
const write = (name: string, text = name): void => {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
};
const open = (roots: readonly string[] = ['.'], skips = (_: string) => false): void => {
  batches = watchBatches({ roots: roots.map((root) => join(dir, root)), skips }, ending.signal);
};

/** Reads batches until all of these have come, as `+path` and `-path`; what came besides is in the answer, too. */
async function until(...wanted: string[]): Promise<Set<string>> {
  const seen = new Set<string>();
  while (wanted.some((word) => !seen.has(word))) {
    const changes = await batches?.next(15_000);
    if (!changes) throw new Error(`only ${[...seen].join(' ')} came of ${wanted.join(' ')}`);
    for (const { path, kind } of changes) seen.add(`${kind === 'written' ? '+' : '-'}${path.slice(dir.length + 1)}`);
  }
  return seen;
}

test('what is there already is no change, but listed', () => {
  write('a');
  write('deep/b');
  open();
  expect(batches?.tree.files().sort()).toEqual([at('a'), at('deep/b')]);
});

test('files that are written, renamed and deleted come out as such', async () => {
  write('old');
  open();
  write('new');
  renameSync(at('old'), at('moved'));
  await until('+new', '+moved', '-old');
  rmSync(at('new'));
  await until('-new');
});

test('an editor that saves by renaming over the file is one write', async () => {
  write('page', 'one');
  open();
  write('page.tmp', 'two');
  renameSync(at('page.tmp'), at('page'));
  expect(await until('+page')).not.toContain('-page');
});

test('new directories are watched with all that is in them', async () => {
  open();
  write('a/b/c/first');
  await until('+a', '+a/b/c/first');
  write('a/b/c/second');
  await until('+a/b/c/second');
});

test('a directory that is renamed goes on under its new name', async () => {
  write('one/file');
  open();
  renameSync(at('one'), at('two'));
  await until('-one', '-one/file', '+two/file');
  write('two/more');
  expect(await until('+two/more')).not.toContain('+one/more');
});

test('a root may be a file, may be missing, and may come back', async () => {
  write('etc/conf');
  write('etc/other');
  open(['etc/conf', 'later/on']);
  write('etc/other', 'changed');
  write('etc/conf', 'changed');
  expect(await until('+etc/conf')).not.toContain('+etc/other');
  write('later/on/file');
  await until('+later/on/file');
  rmSync(at('later'), { recursive: true });
  await until('-later/on/file');
  write('later/on/again');
  await until('+later/on/again');
});

test('thousands of files at once all come out', async () => {
  open();
  const names = Array.from({ length: 3000 }, (_, number) => `many/${number % 30}/${number}`);
  for (const name of names) write(name);
  await until(...names.map((name) => `+${name}`));
  rmSync(at('many'), { recursive: true });
  await until('-many');
});

test('directories that nobody wants are not watched', async () => {
  write('node_modules/x/y');
  open(['.'], (path) => path.endsWith('/node_modules'));
  write('node_modules/x/z');
  write('a');
  expect([...(await until('+a'))]).toEqual(['+a']);
});

test('links are entries of their own: a loop of them ends', async () => {
  mkdirSync(at('d'));
  symlinkSync('..', at('d/up'));
  open();
  expect(batches?.tree.files()).toEqual([at('d/up')]);
  rmSync(at('d/up'));
  await until('-d/up');
});

test('a look at everything finds what no event told of', () => {
  write('a', 'one');
  open();
  const { tree } = batches as Batches;
  expect(tree.takeChanges(true)).toEqual([]);
  write('a', 'two and more');
  write('b');
  expect(
    tree
      .takeChanges(true)
      .map(({ path }) => path)
      .sort(),
  ).toEqual([at('a'), at('b')]);
});

test('a root that stands in the root directory is watched like others', () => {
  const nothing = () => {};
  const roots = ['/iechor-that-is-not-there'];
  const tree = new Tree({ roots, skips: () => false, onEvent: nothing, onError: nothing });
  expect([tree.takeChanges(true), tree.files()]).toEqual([[], []]);
  tree.close();
});

test('an abort ends the wait', async () => {
  open();
  const next = batches?.next();
  ending.abort();
  expect(await next).toBeUndefined();
});
