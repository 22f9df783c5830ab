import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { lockDataRoot } from '../../../src/host/lock.ts';
import { openStateDb } from '../../../src/host/state-db.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-state-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const codeFrom = (body: () => unknown): string | undefined => {
  try {
    body();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};

describe('state database', () => {
  test('a document and its unique keys survive a reopening', () => {
    const first = openStateDb(join(dir, 'state.db'));
    first.put('container', 'a', { name: 'web', nested: { __proto__x: 1 } }, ['container-name:web']);
    first.close();
    const second = openStateDb(join(dir, 'state.db'));
    expect(second.get('container', 'a')).toEqual({ name: 'web', nested: { __proto__x: 1 } });
    expect(second.owner('container-name:web')).toBe('a');
    second.close();
  });

  test('a unique key has one owner, is replaced with its document and freed with it', () => {
    const store = openStateDb(join(dir, 'state.db'));
    store.put('container', 'a', 1, ['name:x']);
    expect(codeFrom(() => store.put('container', 'b', 2, ['name:y', 'name:x']))).toBe('STATE_CONFLICT');
    expect(store.get('container', 'b')).toBeUndefined();
    expect(store.owner('name:y')).toBeUndefined();
    store.put('container', 'a', 1, ['name:z']);
    store.put('container', 'b', 2, ['name:x']);
    store.delete('container', 'b');
    store.delete('container', 'b');
    expect(store.owner('name:x')).toBeUndefined();
    expect(store.list('container')).toEqual([1]);
    store.close();
  });

  test('a transaction is all or nothing, also an inner one whose failure is handled', () => {
    const store = openStateDb(join(dir, 'state.db'));
    expect(() =>
      store.transaction(() => {
        store.put('network', 'a', 1);
        throw new Error('no');
      }),
    ).toThrow('no');
    store.transaction(() => {
      store.put('network', 'b', 2);
      try {
        store.transaction(() => {
          store.put('network', 'c', 3);
          throw new Error('inner');
        });
      } catch {
        store.put('network', 'd', 4);
      }
    });
    expect(store.list('network')).toEqual([2, 4]);
    store.close();
  });

  test('a file that is no database, and one of a newer version, are refused and left as they are', () => {
    const garbage = join(dir, 'garbage.db');
    writeFileSync(garbage, 'x'.repeat(5000));
    expect(codeFrom(() => openStateDb(garbage))).toBe('STATE_DAMAGED');
    const foreign = join(dir, 'foreign.db');
    const other = new DatabaseSync(foreign);
    other.exec('CREATE TABLE t (a)');
    other.close();
    expect(codeFrom(() => openStateDb(foreign))).toBe('STATE_DAMAGED');
    const newer = join(dir, 'newer.db');
    openStateDb(newer).close();
    const raw = new DatabaseSync(newer);
    raw.exec("UPDATE meta SET value = '99' WHERE name = 'version'");
    raw.close();
    expect(codeFrom(() => openStateDb(newer))).toBe('STATE_VERSION');
  });

  test('what is to be durable soon is in the files before anybody asks, and durable when asked for', async () => {
    const store = openStateDb(join(dir, 'state.db'));
    store.transaction(() => store.put('container', 'a', 1), { durable: 'soon' });
    await Promise.all([store.durable(), store.durable()]);
    store.transaction(() => store.put('container', 'b', 2), { durable: 'soon' });
    const copy = join(dir, 'copy.db');
    for (const suffix of ['', '-wal']) copyFileSync(join(dir, `state.db${suffix}`), `${copy}${suffix}`);
    store.put('container', 'c', 3);
    await store.durable();
    store.close();
    const asKilled = openStateDb(copy);
    expect(asKilled.list('container')).toEqual([1, 2]);
    asKilled.close();
  });

  test('a second user of the file is refused', () => {
    const store = openStateDb(join(dir, 'state.db'));
    expect(codeFrom(() => openStateDb(join(dir, 'state.db')))).toBe('DAEMON_RUNNING');
    store.close();
  });
});

describe('lock of a data root', () => {
  test('has one holder at a time, named to the next', async () => {
    const lock = await lockDataRoot(dir);
    await expect(lockDataRoot(dir)).rejects.toMatchObject({
      code: 'DAEMON_RUNNING',
      message: expect.stringContaining(String(process.pid)),
    });
    lock.release();
    (await lockDataRoot(dir)).release();
  });
});
