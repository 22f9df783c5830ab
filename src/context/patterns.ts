import { IechorError } from '../common/error.ts';
import { compileIgnorePattern } from './ignore-pattern.ts';

/** Compiled ignore rules. Paths are relative, with slashes, without a leading one. */
export interface PathRules {
  /** Whether the last rule that matches the path, or a directory above it, excludes it. */
  matches(path: string): boolean;
  /** Some rule begins with `!`: below an excluded directory there may be files that are not. */
  readonly hasExceptions: boolean;
  readonly isEmpty: boolean;
}

interface Rule {
  readonly fits: (path: string) => boolean;
  readonly negated: boolean;
}

/** How a path fares: which rules took it or a directory above it, and what they came to. */
interface Fate {
  readonly taken: readonly boolean[];
  readonly excluded: boolean;
}

/** Fates of directories are remembered, up to so many. */
const maxRemembered = 10_000;

/**
 * Rules of an ignore file, as moby's patternmatcher has them: `!` takes a path back in, the last match wins. What a
 * rule does to a directory holds for everything below it; a rule that had nothing to say there, since it would have
 * changed nothing, is asked again below. Matching takes time in proportion to pattern times path. Throws BUILD_CONTEXT.
 */
export function compileRules(patterns: readonly string[]): PathRules {
  const rules = patterns.map(compile);
  const top: Fate = { taken: rules.map(() => false), excluded: false };
  const remembered = new Map<string, Fate>();
  const fateOf = (path: string): Fate => {
    const slash = path.lastIndexOf('/');
    return fateBelow(rules, slash < 0 ? top : directory(path.slice(0, slash)), path);
  };
  const directory = (path: string): Fate => {
    const known = remembered.get(path);
    if (known) return known;
    const fate = fateOf(path);
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(path, fate);
    return fate;
  };
  return {
    isEmpty: rules.length === 0,
    hasExceptions: rules.some((rule) => rule.negated),
    matches(path) {
      const names = path.split('/').filter((name) => name !== '' && name !== '.');
      return names.length > 0 && fateOf(names.join('/')).excluded;
    },
  };
}

function fateBelow(rules: readonly Rule[], parent: Fate, path: string): Fate {
  let excluded = false;
  const taken = rules.map((rule, index) => {
    const takes = parent.taken[index] === true || (rule.negated === excluded && rule.fits(path));
    if (takes) excluded = !rule.negated;
    return takes;
  });
  return { taken, excluded };
}

const maxLineBytes = 65_535;

/** Patterns of an ignore file's text. Throws BUILD_CONTEXT for what BuildKit cannot read or send either. */
export function readIgnoreFile(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.some((line) => line.length > maxLineBytes / 4 && Buffer.byteLength(line) > maxLineBytes)) {
    throw new IechorError('BUILD_CONTEXT', `an ignore rule is longer than ${maxLineBytes} bytes`, {
      hint: 'Write one pattern a line.',
    });
  }
  const patterns = lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const bad = patterns.find(hasControls);
  if (bad !== undefined && patterns.every(isAscii)) {
    throw new IechorError('BUILD_CONTEXT', `the ignore rule ${JSON.stringify(bad)} holds a control character`, {
      hint: 'Write ? in its place.',
    });
  }
  return patterns;
}

const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);
const hasControls = (text: string): boolean => /[\x00-\x1f\x7f]/.test(text);

/** Whether a path or pattern cannot be asked of a context: BuildKit sends control characters only beside others than ASCII. */
export const isUnsendable = (path: string): boolean => hasControls(path) && isAscii(path);

function compile(line: string): Rule {
  const negated = line.startsWith('!');
  const pattern = negated ? line.slice(1).trim() : line;
  const names: string[] = [];
  for (const name of pattern.split('/')) {
    if (name === '..' && names.at(-1) !== '..' && (names.length > 0 || pattern.startsWith('/'))) names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  const fits = compileIgnorePattern(names.join('/'));
  if (pattern === '' || !fits) {
    throw new IechorError('BUILD_CONTEXT', `${JSON.stringify(line)} is not a pattern for an ignore rule`, {
      hint: 'Patterns are names with *, ?, [a-z] and **; a backslash takes the meaning from a character.',
    });
  }
  return { negated, fits: names.length === 0 ? () => false : fits };
}
