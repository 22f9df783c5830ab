import type { ObjectStore } from '../common/object-store.ts';
import type { ChainId, Digest } from '../image/types.ts';
import type { KeyParts } from './cache-key.ts';
import type { Fingerprint } from './files/content-hash.ts';

/** A finished step. */
export interface StepRecord {
  readonly type: 'step';
  readonly key: string;
  /** Which step of which build it is, to find it again when something in it changes. */
  readonly slot: string;
  /** The instruction with its variables expanded, and as it is written. */
  readonly instruction: string;
  readonly source?: string;
  readonly parts: KeyParts;
  readonly files?: Fingerprint;
  readonly diffId: Digest;
  /** All layers up to and with this one. */
  readonly chain: readonly ChainId[];
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly usedAt: string;
}

/** What files of an image hash to, so that the image need not be read again. */
interface ContentRecord {
  readonly type: 'content';
  readonly id: string;
  readonly chainId: ChainId | '';
  readonly digest: string;
}

/** A step that was there once. */
interface GoneRecord {
  readonly type: 'gone';
  readonly key: string;
  readonly at: string;
}

type CacheRecord = StepRecord | ContentRecord | GoneRecord;

/** Finished steps, content-addressed, in the daemon's store. */
export interface StepCache {
  find(key: string): StepRecord | undefined;
  /** Steps of a stage, whatever their keys, those last used first. */
  ofStage(stage: string): readonly StepRecord[];
  /** When a step was removed, as ISO time; undefined where it never was, or long ago. */
  goneAt(key: string): string | undefined;
  put(record: StepRecord): void;
  /** Notes that a step was of use, at that slot; written at most once an hour. */
  touch(record: StepRecord, slot: string): void;
  content(id: string): string | undefined;
  putContent(record: Omit<ContentRecord, 'type'>): void;
  list(): readonly StepRecord[];
  remove(key: string): void;
  /** Removes content hashes of images that are gone. */
  forgetContent(exists: (chainId: ChainId) => boolean): void;
}

const kind = 'build-step';

/** Steps of a stage that are compared with a new one. */
const mostOfStage = 32;
const mostGone = 2000;

export function createStepCache(store: ObjectStore): StepCache {
  const all = () => store.list<CacheRecord>(kind);
  const steps = (): StepRecord[] => all().filter((record) => record.type === 'step');
  const find = (key: string): StepRecord | undefined => {
    const record = store.get<CacheRecord>(kind, key);
    return record?.type === 'step' ? record : undefined;
  };
  const stages = stageIndex(steps);
  return {
    find,
    ofStage: (stage) => stages.keys(stage).flatMap((key) => find(key) ?? []),
    goneAt(key) {
      const record = store.get<CacheRecord>(kind, `gone-${key}`);
      return record?.type === 'gone' ? record.at : undefined;
    },
    put(record) {
      store.put(kind, record.key, record);
      store.delete(kind, `gone-${record.key}`);
      stages.note(record.slot, record.key);
    },
    touch(record, slot) {
      const now = new Date();
      stages.note(slot, record.key);
      if (record.slot === slot && now.getTime() - Date.parse(record.usedAt) < 3_600_000) return;
      store.put(kind, record.key, { ...record, slot, usedAt: now.toISOString() });
    },
    content(id) {
      const record = store.get<CacheRecord>(kind, `content-${id}`);
      return record?.type === 'content' ? record.digest : undefined;
    },
    putContent(record) {
      const document: ContentRecord = { type: 'content', ...record };
      store.put(kind, `content-${record.id}`, document);
    },
    list: steps,
    remove(key) {
      store.delete(kind, key);
      const document: GoneRecord = { type: 'gone', key, at: new Date().toISOString() };
      store.put(kind, `gone-${key}`, document);
    },
    forgetContent(exists) {
      const gone: GoneRecord[] = [];
      for (const record of all()) {
        if (record.type === 'gone') gone.push(record);
        if (record.type === 'content' && record.chainId !== '' && !exists(record.chainId)) {
          store.delete(kind, `content-${record.id}`);
        }
      }
      const old = gone.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(mostGone);
      for (const { key } of old) store.delete(kind, `gone-${key}`);
    },
  };
}

/** Keys of steps by their stages, those last noted first; read from the records when it is first asked. */
function stageIndex(steps: () => StepRecord[]) {
  let known: Map<string, Set<string>> | undefined;
  const note = (slot: string, key: string, into: Map<string, Set<string>>) => {
    const stage = stageOf(slot);
    const keys = into.get(stage) ?? new Set();
    into.set(stage, keys);
    keys.delete(key);
    keys.add(key);
    const [oldest] = keys;
    if (keys.size > mostOfStage && oldest !== undefined) keys.delete(oldest);
  };
  const read = (): Map<string, Set<string>> => {
    const fresh = new Map<string, Set<string>>();
    const inOrder = steps().sort((a, b) => (a.usedAt < b.usedAt ? -1 : 1));
    for (const { slot, key } of inOrder) note(slot, key, fresh);
    return fresh;
  };
  return {
    keys(stage: string): string[] {
      known ??= read();
      return [...(known.get(stage) ?? [])].reverse();
    },
    note(slot: string, key: string): void {
      known ??= read();
      note(slot, key, known);
    },
  };
}

/** The stage that a slot is in. */
export const stageOf = (slot: string): string => slot.replace(/-\d+$/, '');
