import { DatabaseSync } from 'node:sqlite';
import type { Package } from './package.ts';

const tags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  license: 1014,
  arch: 1022,
} as const;
const maxPackages = 100_000;

/** rpm's database in SQLite, opened read-only from a copy of the caller's. Throws what SQLite throws for a damaged one. */
export function readRpm(path: string, source: string): Package[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = db.prepare('SELECT blob FROM Packages LIMIT ?').all(maxPackages);
    return rows.flatMap(({ blob }) => (blob instanceof Uint8Array ? packageOf(Buffer.from(blob), source) : []));
  } finally {
    db.close();
  }
}

/** The package of a header, none for a key: entries of tag, type, offset and count, then their data. Numbers are big-endian. */
export function packageOf(header: Buffer, source: string): Package[] {
  if (header.length < 8) return [];
  const entries = header.readUInt32BE(0);
  const store = 8 + entries * 16;
  if (entries > 10_000 || store > header.length) return [];
  const found = new Map<number, { type: number; offset: number }>();
  for (let index = 0; index < entries; index++) {
    const at = 8 + index * 16;
    found.set(header.readUInt32BE(at), { type: header.readUInt32BE(at + 4), offset: header.readUInt32BE(at + 8) });
  }
  const text = (tag: number): string | undefined => {
    const entry = found.get(tag);
    if (!entry || ![6, 8, 9].includes(entry.type) || store + entry.offset >= header.length) return undefined;
    const end = header.indexOf(0, store + entry.offset);
    return header.toString('utf8', store + entry.offset, end < 0 ? header.length : end);
  };
  const epoch = found.get(tags.epoch);
  const number = epoch && store + epoch.offset + 4 <= header.length ? header.readUInt32BE(store + epoch.offset) : 0;
  const [name, version, release] = [text(tags.name), text(tags.version), text(tags.release)];
  if (!name || !version || name === 'gpg-pubkey') return [];
  const full = `${number > 0 ? `${number}:` : ''}${version}${release ? `-${release}` : ''}`;
  return [
    {
      ...{ type: 'rpm' as const, name, version: full, source },
      ...{ architecture: text(tags.arch), license: text(tags.license), supplier: text(tags.vendor) },
    },
  ];
}
