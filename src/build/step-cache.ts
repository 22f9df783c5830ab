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
  readonly instruction: string;
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

/** Finished steps, content-addressed, in the daemon's store. */
export interface StepCache {
  find(key: string): StepRecord | undefined;
  /** The last step of that slot, whatever its key. */
  former(slot: string): StepRecord | undefined;
  put(record: StepRecord): void;
  /** Notes that a step was of use; written at most once an hour. */
  touch(record: StepRecord): void;
  content(id: string): string | undefined;
  putContent(record: Omit<ContentRecord, 'type'>): void;
  list(): readonly StepRecord[];
  remove(key: string): void;
  /** Removes content hashes of images that are gone. */
  forgetContent(exists: (chainId: ChainId) => boolean): void;
}

const kind = 'build-step';

export function createStepCache(store: ObjectStore): StepCache {
  const all = () => store.list<StepRecord | ContentRecord>(kind);
  const steps = (): StepRecord[] => all().filter((record) => record.type === 'step');
  let slots: Map<string, string> | undefined;
  const slotIndex = (): Map<string, string> => {
    slots ??= new Map(
      steps()
        .sort((a, b) => (a.usedAt < b.usedAt ? -1 : 1))
        .map((record) => [record.slot, record.key]),
    );
    return slots;
  };
  const find = (key: string): StepRecord | undefined => {
    const record = store.get<StepRecord | ContentRecord>(kind, key);
    return record?.type === 'step' ? record : undefined;
  };
  return {
    find,
    former(slot) {
      const key = slotIndex().get(slot);
      return key === undefined ? undefined : find(key);
    },
    put(record) {
      store.put(kind, record.key, record);
      slotIndex().set(record.slot, record.key);
    },
    touch(record) {
      const now = new Date();
      slotIndex().set(record.slot, record.key);
      if (now.getTime() - Date.parse(record.usedAt) < 3_600_000) return;
      store.put(kind, record.key, { ...record, usedAt: now.toISOString() });
    },
    content(id) {
      const record = store.get<StepRecord | ContentRecord>(kind, `content-${id}`);
      return record?.type === 'content' ? record.digest : undefined;
    },
    putContent(record) {
      const document: ContentRecord = { type: 'content', ...record };
      store.put(kind, `content-${record.id}`, document);
    },
    list: steps,
    remove(key) {
      store.delete(kind, key);
    },
    forgetContent(exists) {
      for (const record of all()) {
        if (record.type === 'content' && record.chainId !== '' && !exists(record.chainId)) {
          store.delete(kind, `content-${record.id}`);
        }
      }
    },
  };
}
