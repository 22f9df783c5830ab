import { createHash } from 'node:crypto';
import { describeFiles } from './file-changes.ts';
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
    /** Whether the stage had the same instruction before, at another place. */
    readonly wasThere?: boolean;
  },
): string {
  if (!former) return 'not built before';
  const changed = changedParts(former.parts, now.parts);
  const words = changed.includes('parent') ? [`${now.base ?? 'the step before it'} changed`] : [];
  if (former.instruction !== now.instruction) {
    const { source } = former;
    if (source !== undefined && source === now.source) {
      const what = otherThan(former.instruction, now.instruction);
      return [...words, `its ${what} changed, it was: ${brief(readable(former.instruction))}`].join(', ');
    }
    if (words[0] !== undefined) return words[0];
    if (source !== undefined && now.others?.includes(source)) return 'it is new at this place';
    const was = `it was: ${brief(source ?? readable(former.instruction))}`;
    return now.wasThere ? `the step before it is gone, ${was}` : `the instruction changed, ${was}`;
  }
  if (changed.includes('content') || changed.includes('mounts')) {
    const isFiles = changed.includes('content');
    const subject = isFiles ? (now.subject ?? 'files') : 'what it mounts';
    words.push(`${brief(subject)} changed${describeFiles(filesOf(former), filesOf(now))}`);
  }
  const described = new Set(['parent', 'content', 'mounts']);
  if (changed.some((name) => name.startsWith('variable '))) described.add(variableOrder);
  const rest = changed
    .filter((name) => !described.has(name))
    .map((name) => describePart(name, former.parts, now.parts));
  words.push(...rest);
  return words.slice(0, 3).join(', ') + (words.length > 3 ? ` and ${words.length - 3} more` : '');
}

/** What differs in an instruction that is written alike: nothing but the shell and the body of a heredoc is, in RUN. */
function otherThan(before: string, now: string): string {
  if (!now.startsWith('RUN ')) return 'variables';
  const shell = (text: string) => text.split(' ', 3).join(' ');
  return shell(before) === shell(now) ? 'heredoc' : 'shell';
}

function describePart(name: string, before: KeyParts, now: KeyParts): string {
  if (!name.startsWith('variable ')) return `${partNames.get(name) ?? name} changed`;
  if (before[name] === undefined) return `${name} is new`;
  return now[name] === undefined ? `${name} is gone` : `${name} changed`;
}

const partNames: ReadonlyMap<string, string> = new Map([['epoch', 'SOURCE_DATE_EPOCH']]);

/** The key of mounts where there are none. */
const noMounts = JSON.stringify([]);

/** What a step without mounts mounts is known, even where nothing was noted. */
const filesOf = ({
  files,
  parts,
}: {
  readonly files?: Fingerprint | undefined;
  readonly parts: KeyParts;
}): Fingerprint | undefined => files ?? (parts.mounts === hashParts({ mounts: noMounts }).mounts ? {} : undefined);

/** An instruction that is kept as a list of words. */
function readable(instruction: string): string {
  return instruction.startsWith('["') ? (JSON.parse(instruction) as string[]).join(' ') : instruction;
}

function brief(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, '; ');
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}
