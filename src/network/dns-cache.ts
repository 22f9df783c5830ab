import { ttlOffsets } from './dns-message.ts';

/** Answers of upstream servers, for as long as they last, at most a minute. */
export interface DnsCache {
  /** A copy with its times to live counted down. */
  get(key: string): Buffer | undefined;
  put(key: string, answer: Buffer): void;
}

const maxEntries = 1000;
const maxSeconds = 60;
const NAME_ERROR = 3;
const TRUNCATED = 0x02;

export function createDnsCache(now: () => number = () => performance.now() / 1000): DnsCache {
  const entries = new Map<string, { answer: Buffer; offsets: readonly number[]; storedAt: number; until: number }>();
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (now() >= entry.until) {
        entries.delete(key);
        return undefined;
      }
      const answer = Buffer.from(entry.answer);
      const age = Math.floor(now() - entry.storedAt);
      for (const offset of entry.offsets) answer.writeUInt32BE(Math.max(0, answer.readUInt32BE(offset) - age), offset);
      return answer;
    },
    put: (key, answer) => {
      const code = answer.readUInt8(3) & 0xf;
      if ((code !== 0 && code !== NAME_ERROR) || (answer.readUInt8(2) & TRUNCATED) !== 0) return;
      const offsets = ttlOffsets(answer);
      // Without a record there is no word on how long it holds.
      if (!offsets || offsets.length === 0) return;
      const seconds = Math.min(maxSeconds, ...offsets.map((offset) => answer.readUInt32BE(offset)));
      if (seconds <= 0) return;
      entries.delete(key);
      entries.set(key, { answer: Buffer.from(answer), offsets, storedAt: now(), until: now() + seconds });
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
    },
  };
}
