import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { extract, type Header } from 'tar-stream';
import { openContext } from '../../../src/context/open-context.ts';
import { packContext } from '../../../src/context/pack.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'context-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function put(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}

async function read(tar: Readable): Promise<Map<string, Header & { body: string }>> {
  const entries = new Map<string, Header & { body: string }>();
  const reader = extract();
  tar.on('error', (error) => reader.destroy(error)).pipe(reader);
  for await (const entry of reader) {
    const parts: Buffer[] = [];
    for await (const chunk of entry) parts.push(chunk as Buffer);
    entries.set(entry.header.name, { ...entry.header, body: Buffer.concat(parts).toString() });
  }
  return entries;
}

test('sends what the rules leave, sorted, owned by root, with the build file and the ignore file', async () => {
  put({ iEchorfile: 'FROM a', '.iechorignore': '*\n!src', 'src/b': '2', 'src/a': '1', 'other/x': '' });
  const { tar, dockerfile } = openContext(dir, {});
  const entries = await read(tar);
  expect(dockerfile).toBe('iEchorfile');
  expect([...entries.keys()]).toEqual(['.iechorignore', 'iEchorfile', 'src', 'src/a', 'src/b']);
  expect([...entries.values()].every((entry) => entry.uid === 0 && entry.gid === 0)).toBe(true);
});

test('the ignore file of the build file beats that of the context', async () => {
  put({ 'b/prod': 'FROM a', 'b/prod.dockerignore': 'secret', '.dockerignore': 'public', secret: '', public: '' });
  const names = [...(await read(openContext(dir, { file: join(dir, 'b/prod') }).tar)).keys()];
  expect(names).toEqual(['.dockerignore', 'b', 'b/prod', 'b/prod.dockerignore', 'public']);
});

test('keeps links as links, wherever they point', async () => {
  put({ iEchorfile: 'FROM a', f: 'x' });
  symlinkSync('/etc/shadow', join(dir, 'out'));
  linkSync(join(dir, 'f'), join(dir, 'g'));
  const entries = await read(packContext(dir));
  expect(entries.get('out')).toMatchObject({ type: 'symlink', linkname: '/etc/shadow', body: '' });
  expect(entries.get('g')).toMatchObject({ type: 'link', linkname: 'f' });
});

test('a build file from outside travels under a hidden name', async () => {
  put({ a: '1', '.dockerignore': 'b' });
  const { tar, dockerfile } = openContext(dir, { text: 'FROM scratch' });
  const entries = await read(tar);
  expect(entries.get(dockerfile)?.body).toBe('FROM scratch');
  expect(entries.get('.dockerignore')?.body.split('\n')).toEqual(expect.arrayContaining(['b', dockerfile]));
});

test('a context that is not there, or holds no build file, is told as such', () => {
  expect(() => openContext(join(dir, 'no'), {})).toThrow(
    expect.objectContaining({ code: 'BUILD_CONTEXT' }) as unknown as Error,
  );
  expect(() => openContext(dir, {})).toThrow('iEchorfile, Dockerfile, Containerfile');
  expect(() => openContext(dir, { file: join(dir, 'x') })).toThrow(
    expect.objectContaining({ code: 'BUILD_FILE_MISSING' }) as unknown as Error,
  );
});

test('a large file is streamed whole', async () => {
  put({ iEchorfile: 'FROM a' });
  writeFileSync(join(dir, 'big'), Buffer.alloc(3 << 20, 7));
  expect((await read(packContext(dir))).get('big')?.body.length).toBe(3 << 20);
});
