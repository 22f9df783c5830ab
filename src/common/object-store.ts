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
  | 'meta';

/**
 * The daemon's memory: documents by kind and id, with unique keys. Synchronous, durable when a call returns
 * (architecture: one embedded database, one writer). Implemented by host/state-db.ts.
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
  transaction<T>(body: () => T): T;
  close(): void;
}
