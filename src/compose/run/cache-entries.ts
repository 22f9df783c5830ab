import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CacheEntry } from '../../api/types/image.ts';
import { IechorError } from '../../common/error.ts';
import { directoryHere } from '../../context/open-context.ts';

/** What reads or writes the caches of a build: `NAME`, or `type=TYPE,KEY=VALUE...`. Throws USAGE. */
export function readCaches(texts: readonly string[] | undefined, key: 'src' | 'dest'): CacheEntry[] | undefined {
  if (!texts || texts.length === 0) return undefined;
  return texts.map((text) => readCache(text, key));
}

function readCache(text: string, key: 'src' | 'dest'): CacheEntry {
  if (!text.includes('=') && !text.includes(',')) return { type: 'registry', attrs: { ref: text } };
  const fields = text.split(',').map((field) => {
    const at = field.indexOf('=');
    if (at > 0) return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)] as const;
    throw wrong(text, `${JSON.stringify(field)} has no value`);
  });
  const { type, ...attrs } = Object.fromEntries(fields);
  if (!type) throw wrong(text, 'it has no type');
  if (type !== 'local') return { type, attrs };
  const given = attrs[key];
  if (!given) throw wrong(text, `it has no ${key}`);
  const path = resolve(given);
  if (key === 'dest') mkdirSync(path, { recursive: true });
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return { type, attrs };
  return { type, attrs: { ...attrs, [key]: path }, directory: directoryHere(path) };
}

function wrong(text: string, reason: string): IechorError {
  return new IechorError('USAGE', `${JSON.stringify(text)} names no cache: ${reason}`, {
    hint: 'write NAME, type=registry,ref=NAME, type=inline or type=local with src= or dest=',
  });
}
