import { IechorError } from '../common/error.ts';
import { isNamePattern, namePattern } from './name-pattern.ts';

/** Compiled ignore rules. Paths are relative, with slashes, without a leading one. */
export interface PathRules {
  /** Whether the last rule that matches the path, or a directory above it, excludes it. */
  matches(path: string): boolean;
  /** Some rule begins with `!`: below an excluded directory there may be files that are not. */
  readonly hasExceptions: boolean;
  readonly isEmpty: boolean;
}

type Part = '**' | ((name: string) => boolean);
interface Rule {
  readonly parts: readonly Part[];
  readonly negated: boolean;
}

/**
 * Rules of an ignore file: Go's filepath.Match with `**`, a leading `!` takes a path back in, the last match wins,
 * `#` begins a comment line. A directory's fate is that of everything below it unless a later rule says otherwise.
 * Matching takes time in proportion to pattern times path, whatever the pattern. Throws BUILD_CONTEXT.
 */
export function compileRules(patterns: readonly string[]): PathRules {
  const rules = patterns.map(compile);
  return {
    isEmpty: rules.length === 0,
    hasExceptions: rules.some((rule) => rule.negated),
    matches(path) {
      const names = path.split('/').filter((name) => name !== '' && name !== '.');
      let matched = false;
      for (const rule of rules) {
        if (rule.negated === matched && matchesSomeParent(rule.parts, names)) matched = !rule.negated;
      }
      return matched;
    },
  };
}

/** Patterns of an ignore file's text. */
export function readIgnoreFile(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function compile(line: string): Rule {
  const negated = line.startsWith('!');
  const pattern = negated ? line.slice(1).trim() : line;
  const names: string[] = [];
  for (const name of pattern.split('/')) {
    if (name === '..' && names.at(-1) !== '..' && (names.length > 0 || pattern.startsWith('/'))) names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  if (pattern === '' || !names.every(isNamePattern)) {
    throw new IechorError('BUILD_CONTEXT', `${JSON.stringify(line)} is not a pattern for an ignore rule`, {
      hint: 'Patterns are names with *, ?, [a-z] and **; a backslash takes the meaning from a character.',
    });
  }
  return { negated, parts: names.map((name) => (name === '**' ? name : namePattern(name))) };
}

/** Whether the rule matches the path or one of the directories it is in. */
function matchesSomeParent(parts: readonly Part[], names: readonly string[]): boolean {
  // reachable: how many names the parts so far can have taken
  if (parts.length === 0) return false;
  let reachable = new Set([0]);
  for (const [index, part] of parts.entries()) {
    const after = new Set<number>();
    for (const taken of reachable) {
      const name = names[taken];
      if (part === '**') {
        // at the end it stands for at least one name, elsewhere for any number
        const least = index === parts.length - 1 ? taken + 1 : taken;
        for (let to = least; to <= names.length; to++) after.add(to);
      } else if (name !== undefined && part(name)) after.add(taken + 1);
    }
    reachable = after;
  }
  reachable.delete(0);
  return reachable.size > 0;
}
