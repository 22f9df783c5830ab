import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import type { ObjectKind, ObjectStore, TransactionOptions } from '../common/object-store.ts';
import { createDiskReserve, type DiskReserve } from './disk-reserve.ts';
import { createLogFlush, type LogFlush } from './log-flush.ts';

const schemaVersion = 1;
const reserveBytes = 512 * 1024;
const schema = `
  CREATE TABLE objects (
    kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE keys (key TEXT PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_by_object ON keys (kind, id);
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('version', '${schemaVersion}');
`;

/**
 * Opens, or makes, the daemon's database. One process at a time: the file stays locked until `close` or death.
 * Throws STATE_VERSION when a newer program wrote it, STATE_DAMAGED when it cannot be read (it is left untouched),
 * DAEMON_RUNNING when another process has it open.
 */
export function openStateDb(path: string): ObjectStore {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    migrate(db, path);
    return storeOver(db, path);
  } catch (error) {
    db?.close();
    throw translated(error, path);
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const known = db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table'").get();
  if (known?.n === 0) {
    db.exec(`BEGIN EXCLUSIVE; ${schema} COMMIT;`);
    return;
  }
  const check = db.prepare('PRAGMA quick_check(1)').get();
  if (check?.quick_check !== 'ok') throw damaged(path, String(check?.quick_check));
  const version = Number(db.prepare("SELECT value FROM meta WHERE name = 'version'").get()?.value);
  if (version > schemaVersion) {
    throw new IechorError('STATE_VERSION', `${path} was written by a newer version of iechor (format ${version})`, {
      hint: `this version reads format ${schemaVersion}: run the newer version again, or use another data root`,
    });
  }
  if (version !== schemaVersion) throw damaged(path, `format ${version} is unknown`);
}

interface Statements {
  readonly get: StatementSync;
  readonly list: StatementSync;
  readonly put: StatementSync;
  readonly delete: StatementSync;
  readonly owner: StatementSync;
  readonly claim: StatementSync;
  readonly free: StatementSync;
}

function prepare(db: DatabaseSync): Statements {
  return {
    get: db.prepare('SELECT document FROM objects WHERE kind = ? AND id = ?'),
    list: db.prepare('SELECT id, document FROM objects WHERE kind = ? ORDER BY id'),
    put: db.prepare(
      'INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document',
    ),
    delete: db.prepare('DELETE FROM objects WHERE kind = ? AND id = ?'),
    owner: db.prepare('SELECT kind, id FROM keys WHERE key = ?'),
    claim: db.prepare('INSERT INTO keys VALUES (?, ?, ?)'),
    free: db.prepare('DELETE FROM keys WHERE kind = ? AND id = ?'),
  };
}

function storeOver(db: DatabaseSync, path: string): ObjectStore {
  const sql = prepare(db);
  const flush = createLogFlush(`${path}-wal`);
  const transaction = withReserve(transactions(db, flush), createDiskReserve(`${path}-reserve`, reserveBytes));
  const guarded = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw translated(error, path);
    }
  };
  return {
    get<T>(kind: ObjectKind, id: string): T | undefined {
      const row = guarded(() => sql.get.get(kind, id));
      return row && (parsed(row.document, `${kind} ${id}`, path) as T);
    },
    list<T>(kind: ObjectKind): readonly T[] {
      const rows = guarded(() => sql.list.all(kind));
      return rows.map((row) => parsed(row.document, `${kind} ${row.id}`, path) as T);
    },
    put: (kind, id, document, unique = []) =>
      guarded(() => {
        const text = JSON.stringify(document);
        transaction(() => {
          sql.put.run(kind, id, text);
          sql.free.run(kind, id);
          for (const key of new Set(unique)) claim(sql, key, kind, id);
        });
      }),
    delete: (kind, id) =>
      guarded(() =>
        transaction(
          () => {
            sql.free.run(kind, id);
            sql.delete.run(kind, id);
          },
          { lettingGo: true },
        ),
      ),
    owner: (key) => guarded(() => sql.owner.get(key)?.id as string | undefined),
    transaction: (body, options) => guarded(() => transaction(body, options)),
    durable: () => flush.flushed(),
    compact: () => guarded(() => compact(db)),
    close: () => {
      flush.close();
      if (db.isOpen) db.close();
    },
  };
}

/** Rewrites the file where more than half of it is free, and empties the log. */
function compact(db: DatabaseSync): void {
  const pages = Number(db.prepare('PRAGMA page_count').get()?.page_count);
  const free = Number(db.prepare('PRAGMA freelist_count').get()?.freelist_count);
  if (free > 64 && free * 2 > pages) db.exec('VACUUM');
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

function claim(sql: Statements, key: string, kind: string, id: string): void {
  const owner = sql.owner.get(key);
  if (owner) {
    throw new IechorError('STATE_CONFLICT', `"${key}" belongs to ${owner.kind} ${owner.id} already`);
  }
  sql.claim.run(key, kind, id);
}

type Transaction = <T>(body: () => T, options?: TransactionOptions) => T;

/** On a full disk what lets go of things gets the space kept for it, which is taken again when there is some. */
function withReserve(transaction: Transaction, reserve: DiskReserve): Transaction {
  let nested = false;
  reserve.take();
  return (body, options) => {
    if (nested) return transaction(body, options);
    if (!options?.lettingGo) reserve.take();
    nested = true;
    try {
      return transaction(body, options);
    } catch (error) {
      if (!options?.lettingGo || !isFull(error) || !reserve.release()) throw error;
      return transaction(body, options);
    } finally {
      nested = false;
    }
  };
}

/** Nested transactions are savepoints: an inner failure that the outer body handles leaves nothing of the inner. */
function transactions(db: DatabaseSync, flush: LogFlush): Transaction {
  let depth = 0;
  let mode = 'now';
  return (body, { durable = 'now' } = {}) => {
    const name = `level${depth}`;
    if (depth === 0 && mode !== durable) {
      // In a log that is written ahead, NORMAL leaves out the flush at each commit and nothing else: the file stays
      // sound, and the flush at a later commit covers all before it.
      db.exec(`PRAGMA synchronous = ${durable === 'now' ? 'FULL' : 'NORMAL'}`);
      mode = durable;
    }
    db.exec(depth === 0 ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${name}`);
    depth += 1;
    try {
      const result = body();
      if (result instanceof Promise) throw new TypeError('a transaction of the state database is synchronous');
      db.exec(depth === 1 ? 'COMMIT' : `RELEASE ${name}`);
      if (depth === 1) flush.written(mode === 'now');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec(depth === 1 ? 'ROLLBACK' : `ROLLBACK TO ${name}; RELEASE ${name}`);
      throw error;
    } finally {
      depth -= 1;
    }
  };
}

function parsed(text: unknown, what: string, path: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw damaged(path, `the record of ${what} is not JSON`, cause);
  }
}

const damaged = (path: string, why: string, cause?: unknown) =>
  new IechorError('STATE_DAMAGED', `the state database ${path} cannot be read: ${why}`, {
    hint: 'put a backup in its place, or move it away to start with an empty state',
    cause,
  });

/** SQLite's primary result codes, https://sqlite.org/rescode.html. */
const busy = 5;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;

function resultOf(error: unknown): number | undefined {
  if (isIechorError(error) || codeOf(error) !== 'ERR_SQLITE_ERROR') return undefined;
  return Number((error as { errcode?: number }).errcode) & 0xff;
}

const isFull = (error: unknown): boolean => resultOf(error) === full || codeOf(error) === 'NO_SPACE';

function translated(error: unknown, path: string): unknown {
  const result = resultOf(error);
  if (result === undefined) return error;
  const why = messageOf(error);
  if (result === busy) {
    return new IechorError('DAEMON_RUNNING', `another process uses the state database ${path}`, { cause: error });
  }
  if (result === full) {
    return new IechorError('NO_SPACE', `no space left for ${path}`, {
      hint: 'free some space, e.g. with "iechor system prune"',
      cause: error,
    });
  }
  if (result === corrupt || result === notADatabase) return damaged(path, why, error);
  if (result === readOnly || result === ioError || result === cannotOpen) {
    return new IechorError('HOST_SYSCALL_FAILED', `the state database ${path} cannot be used: ${why}`, {
      hint: 'check that the data root is writable and its disk is healthy',
      cause: error,
    });
  }
  // A missing table or column: the file is SQLite's, but not ours.
  return /no such (table|column)/.test(why) ? damaged(path, why, error) : error;
}
