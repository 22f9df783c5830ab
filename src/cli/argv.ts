/** The part of a command's flag table that decides how its words are read. */
export interface FlagShape {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  /** It has a `--no-` form, since it is on by default. */
  readonly allowNo?: boolean | undefined;
}

interface Found {
  readonly flag: FlagShape;
  readonly inline: string | undefined;
}

/**
 * Brings arguments into the form oclif's parser reads, keeping the conventions people know from Docker:
 * `--flag=false` switches a boolean off, and (unless `interspersed`) flags end at the first word, so that
 * `run image ls -l` hands `-l` to `ls`.
 */
export function normalizeArgv(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
  options: { interspersed: boolean },
): string[] {
  const out: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') return [...out, ...argv.slice(at)];
    if (!word.startsWith('-') || word === '-') {
      if (!options.interspersed) return [...out, '--', ...argv.slice(at)];
      out.push(word);
      continue;
    }
    const found = find(word, flags);
    if (found?.flag.type === 'boolean' && found.inline !== undefined) {
      if (/^(true|1|t)$/i.test(found.inline)) out.push(word.slice(0, word.indexOf('=')));
      else if (found.flag.allowNo) out.push(`--no-${nameOf(found.flag, flags)}`);
      continue;
    }
    out.push(word);
    const value = argv[at + 1];
    if (found?.flag.type === 'option' && found.inline === undefined && value !== undefined) {
      out.push(value);
      at += 1;
    }
  }
  return out;
}

function nameOf(flag: FlagShape, flags: Readonly<Record<string, FlagShape>>): string {
  return Object.keys(flags).find((name) => flags[name] === flag) ?? '';
}

/** The flag a word stands for; of a cluster such as `-itp 80:80` the last one, which may take a value. */
function find(word: string, flags: Readonly<Record<string, FlagShape>>): Found | undefined {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const flag = flags[name] ?? Object.values(flags).find((candidate) => candidate.aliases?.includes(name));
    return flag && { flag, inline: equals < 0 ? undefined : word.slice(equals + 1) };
  }
  for (let at = 1; at < word.length; at++) {
    const flag = Object.values(flags).find((candidate) => candidate.char === word[at]);
    if (!flag) return undefined;
    const rest = word.slice(at + 1);
    if (flag.type === 'option' || rest.startsWith('='))
      return { flag, inline: rest === '' ? undefined : rest.replace(/^=/, '') };
  }
  return undefined;
}
