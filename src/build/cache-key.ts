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
export const rulesVersion = 5;

/** Name of a step's result: the same for the same parts, in whatever order, by the same rules. */
export function stepKey(parts: KeyParts, rules = rulesVersion): string {
  const sorted = Object.entries({ ...parts, rules: String(rules) }).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash(JSON.stringify(sorted));
}

/** The part that says in which order variables were set: programs see them so. */
export const variableOrder = 'order of variables';

/** A former step of the same stage. */
export interface FormerStep {
  /** With its variables expanded. */
  readonly instruction: string;
  /** As it was written. */
  readonly source?: string;
  readonly parts: KeyParts;
  readonly files?: Fingerprint;
}

/** Names of the parts of a key that differ. */
export const changedParts = (before: KeyParts, now: KeyParts): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);

/** Why a step is not the one of the last time, in words for people. */
export function explainMiss(
  former: FormerStep | undefined,
  now: {
    readonly instruction: string;
    readonly source?: string;
    readonly parts: KeyParts;
    readonly files?: Fingerprint | undefined;
    /** What took the files, for the sentence: `COPY src/`. */
    readonly subject?: string;
    /** Of the first step of a stage: what it stands on. */
    readonly base?: string | undefined;
    /** What else is written in the stage. */
    readonly others?: readonly string[];
  },
): string {
  if (!former) return 'not built before';
  const changed = changedParts(former.parts, now.parts);
  const words = changed.includes('parent') ? [`${now.base ?? 'the step before it'} changed`] : [];
  if (former.instruction !== now.instruction) {
    if (former.source !== undefined && former.source === now.source)
      return [...words, `its variables changed, it was: ${brief(readable(former.instruction))}`].join(', ');
    if (former.source !== undefined && now.others?.includes(former.source))
      return words[0] ?? 'it is new at this place';
    return words[0] ?? `the instruction changed, it was: ${brief(former.source ?? readable(former.instruction))}`;
  }
  if (changed.includes('content') || changed.includes('mounts')) {
    const isFiles = changed.includes('content');
    const subject = isFiles ? (now.subject ?? 'files') : 'what it mounts';
    words.push(`${brief(subject)} changed${describeFiles(former.files, now.files)}`);
  }
  const described = new Set(['parent', 'content', 'mounts']);
  if (changed.some((name) => name.startsWith('variable '))) described.add(variableOrder);
  const rest = changed
    .filter((name) => !described.has(name))
    .map((name) => describePart(name, former.parts, now.parts));
  words.push(...rest);
  return words.slice(0, 3).join(', ') + (words.length > 3 ? ` and ${words.length - 3} more` : '');
}

function describePart(name: string, before: KeyParts, now: KeyParts): string {
  if (before[name] === undefined) return `${name} is new`;
  return now[name] === undefined ? `${name} is gone` : `${name} changed`;
}

/** An instruction that is kept as a list of words. */
function readable(instruction: string): string {
  return instruction.startsWith('["') ? (JSON.parse(instruction) as string[]).join(' ') : instruction;
}

const brief = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

/** How files differ: `a changed in content`, as `a content`; the first three. */
function describeFiles(before: Fingerprint | undefined, now: Fingerprint | undefined): string {
  const changes = before && now ? fileChanges(before, now) : [];
  const more = changes.length > 3 ? ` and ${changes.length - 3} more` : '';
  return changes.length === 0 ? '' : ` (${changes.slice(0, 3).join(', ')}${more})`;
}

/** What differs between two sets of files, a file each; one that went and came under another name was renamed. */
export function fileChanges(before: Fingerprint, now: Fingerprint): string[] {
  const gone = new Map<string, string>();
  for (const [path, line] of Object.entries(before)) if (now[path] === undefined) gone.set(line, path);
  const renamed = new Map<string, string>();
  for (const [path, line] of Object.entries(now)) {
    const from = before[path] === undefined && line.startsWith('file ') ? gone.get(line) : undefined;
    if (from === undefined) continue;
    gone.delete(line);
    renamed.set(from, path);
  }
  const arrived = new Set(renamed.values());
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().flatMap((path) => {
    const to = renamed.get(path);
    if (to !== undefined) return [`${shown(path)} renamed to ${shown(to)}`];
    const change = arrived.has(path) ? undefined : describeChange(before[path], now[path]);
    return change === undefined ? [] : [`${shown(path)} ${change}`];
  });
}

const shown = (path: string): string => (/[\0-\x1f\x7f]/.test(path) ? JSON.stringify(path) : path);

const plain = (mode = ''): string => mode.replace(/^0(?=\d{3})/, '');

/** The types that a fingerprint's line begins with. Other lines are of what is no file: mounts, downloads. */
const types: ReadonlyMap<string, string> = new Map([
  ['file', 'file'],
  ['dir', 'directory'],
  ['way', 'directory'],
  ['link', 'link'],
  ['special', 'special file'],
]);

const isDirectory = (type: string | undefined): boolean => type === 'dir' || type === 'way';

function describeChange(before: string | undefined, now: string | undefined): string | undefined {
  if (before === now) return undefined;
  if (before === undefined) return 'is new';
  if (now === undefined) return 'is gone';
  const [oldType, oldMode, oldOwner, oldContent, oldBeside] = before.split(' ');
  const [type, mode, owner, content, beside] = now.split(' ');
  if (oldType !== type) return `was a ${types.get(oldType ?? '') ?? oldType}, is a ${types.get(type ?? '') ?? type}`;
  if (type === 'link') return 'link target';
  if (type === 'download' || type === 'heredoc') return 'content';
  if (!types.has(type ?? '')) return 'changed';
  const differences = [
    !isDirectory(type) && oldContent !== content && 'content',
    oldMode !== mode && `mode ${plain(oldMode)} -> ${plain(mode)}`,
    oldOwner !== owner && `owner ${oldOwner} -> ${owner}`,
    oldBeside !== beside && 'extended attributes',
  ];
  return differences.filter((difference) => difference !== false).join(' and ');
}
