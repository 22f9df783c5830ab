import { createHash } from 'node:crypto';
import type { Fingerprint } from './files/content-hash.ts';

/** What a step's result depends on, by name. Values are hashed, so that none of them is kept. */
export type KeyParts = Readonly<Record<string, string>>;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Parts with short hashes in place of their values. */
export function hashParts(parts: KeyParts): KeyParts {
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, hash(value).slice(0, 24)]));
}

/**
 * Rules by which instructions become files. One more with every change after which the same step may give other files:
 * steps made by older rules are made again.
 */
export const rulesVersion = 2;

/** Name of a step's result: the same for the same parts, in whatever order, by the same rules. */
export function stepKey(parts: KeyParts, rules = rulesVersion): string {
  const sorted = Object.entries({ ...parts, rules: String(rules) }).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash(JSON.stringify(sorted));
}

/** A former step at the same place of the same build. */
export interface FormerStep {
  readonly instruction: string;
  readonly parts: KeyParts;
  readonly files?: Fingerprint;
}

/** Why a step is not the one of the last time, in words for people. */
export function explainMiss(
  former: FormerStep | undefined,
  now: {
    readonly instruction: string;
    readonly parts: KeyParts;
    readonly files?: Fingerprint | undefined;
    /** What took the files, for the sentence: `COPY src/`. */
    readonly subject?: string;
  },
): string {
  if (!former) return 'not built before';
  const names = new Set([...Object.keys(former.parts), ...Object.keys(now.parts)]);
  const changed = [...names].filter((name) => former.parts[name] !== now.parts[name]);
  if (changed.length === 0) return 'a layer below it was made anew';
  if (changed.includes('parent')) return 'the step before it changed';
  if (former.instruction !== now.instruction) return `the instruction changed, it was: ${brief(former.instruction)}`;
  if (changed.includes('content'))
    return `${brief(now.subject ?? 'files')} changed${describeFiles(former.files, now.files)}`;
  const words = changed.map((name) => {
    const before = former.parts[name];
    if (before === undefined) return `${name} is new`;
    return now.parts[name] === undefined ? `${name} is gone` : `${name} changed`;
  });
  return words.slice(0, 3).join(', ') + (words.length > 3 ? ` and ${words.length - 3} more` : '');
}

const brief = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

function describeFiles(before: Fingerprint | undefined, now: Fingerprint | undefined): string {
  if (!before || !now) return '';
  const paths = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  const changes = paths.flatMap((path) => {
    const change = describeChange(before[path], now[path]);
    return change === undefined ? [] : [`${path} ${change}`];
  });
  const more = changes.length > 3 ? ` and ${changes.length - 3} more` : '';
  return changes.length === 0 ? '' : ` (${changes.slice(0, 3).join(', ')}${more})`;
}

const plain = (mode = ''): string => mode.replace(/^0(?=\d{3})/, '');

function describeChange(before: string | undefined, now: string | undefined): string | undefined {
  if (before === now) return undefined;
  if (before === undefined) return 'is new';
  if (now === undefined) return 'is gone';
  const [oldType, oldMode, oldOwner] = before.split(' ');
  const [type, mode, owner] = now.split(' ');
  if (oldType !== type) return `was a ${oldType}, is a ${type}`;
  if (type === 'link') return 'link target';
  const differences = [
    before.split(' ')[3] !== now.split(' ')[3] && 'content',
    oldMode !== mode && `mode ${plain(oldMode)} -> ${plain(mode)}`,
    oldOwner !== owner && `owner ${oldOwner} -> ${owner}`,
  ];
  return differences.filter((difference) => difference !== false).join(' and ');
}
