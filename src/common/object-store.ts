/** Kinds of durable objects; each is one JSON document per id. */
export type ObjectKind =
  | 'container'
  | 'image'
  | 'tag'
  | 'layer'
  | 'network'
  | 'endpoint'
  | 'sandbox'
  | 'volume'
  | 'build-step'
  | 'registry-manifest'
  | 'registry-blob'
  | 'registry-tag'
  | 'secret'
  | 'config'
  | 'meta';

export interface TransactionOptions {
  /**
   * `soon`: what is written survives the daemon's death at once, and a loss of power only after `durable`, the next
   * ordinary write, or a second. The order of writes is kept: what is lost is always the latest. Default: `now`.
   */
  readonly durable?: 'now' | 'soon';
  /** Part of stopping or removing something: on a full disk it may use the space that is kept for that. */
  readonly lettingGo?: boolean;
}

/** For what recovery makes up for, or somebody awaits `durable` for. */
export const soon: TransactionOptions = { durable: 'soon' };

/** As `soon`, for what must work on a full disk too. */
export const lettingGo: TransactionOptions = { durable: 'soon', lettingGo: true };

/**
 * The daemon's memory: documents by kind and id, with unique keys. Synchronous, durable when a call returns unless it
 * was told otherwise (architecture: one embedded database, one writer). Implemented by host/state-db.ts.
 */
export interface ObjectStore {
  get<T>(kind: ObjectKind, id: string): T | undefined;
  list<T>(kind: ObjectKind): readonly T[];
  /**
   * Writes the document whole. `unique` holds keys that at most one object of the store may own, such as
   * `container-name:web-1` or `port:tcp:0.0.0.0:8080`; they replace the object's former keys.
   * Throws STATE_CONFLICT when another object owns one (`owner(key)` tells which).
   */
  put<T>(kind: ObjectKind, id: string, document: T, unique?: readonly string[]): void;
  /** Idempotent. Frees the object's unique keys. */
  delete(kind: ObjectKind, id: string): void;
  /** Id of the object that owns a unique key. */
  owner(key: string): string | undefined;
  /** All or nothing; nested calls join the outer transaction. */
  transaction<T>(body: () => T, options?: TransactionOptions): T;
  /** Gives the disk back what deleted documents took. */
  compact(): void;
  /** Resolves when everything written so far would survive a loss of power; those who wait at once share the cost. */
  durable(): Promise<void>;
  close(): void;
}
