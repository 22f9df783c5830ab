/** New permission bits for a file, given its present ones. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

export interface Chmod {
  readonly change: ModeChange;
  /** Set where the mode was octal: directories made on the way get it too. */
  readonly octal?: number;
}

/** Reads `755`, `u=rwX,go=rX` and their like as BSD's setmode does; undefined where it is neither. */
export function parseChmod(text: string): Chmod | undefined {
  if (/^\d+$/.test(text)) {
    const octal = Number.parseInt(text, 8);
    if (!/^[0-7]+$/.test(text) || octal > 0o7777) return undefined;
    return { octal, change: () => octal };
  }
  const steps: Step[] = [];
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$/.exec(clause);
    if (!match) return undefined;
    const who = bitsOf(whoBits, match[1] ?? '');
    for (const [, operator = '', permissions = ''] of (match[2] ?? '').matchAll(/([-+=])([rwxXstugo]*)/g)) {
      steps.push(...stepsOf({ who, operator, permissions }));
    }
  }
  return {
    change: (mode, isDirectory) => {
      const mayRun = isDirectory || (mode & 0o111) !== 0;
      return steps.reduce((now, step) => step(now, mayRun), mode);
    },
  };
}

/** What one part of a change makes of the bits so far; `mayRun` says whether `X` means `x`. */
type Step = (mode: number, mayRun: boolean) => number;

const whoBits: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o7, a: 0o6777 };
const permissionBits: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };
const bitsOf = (table: Readonly<Record<string, number>>, letters: string): number =>
  [...letters].reduce((bits, letter) => bits | (table[letter] ?? 0), 0);

/** One operator with its permissions; `who` is 0 where nobody is named. */
function stepsOf(clause: { who: number; operator: string; permissions: string }): Step[] {
  const { operator, permissions } = clause;
  const onlyOthers = clause.who === whoBits.o;
  const sticky = permissions.includes('t') && !onlyOthers ? 0o1000 : 0;
  const steps: Step[] = [];
  let who = clause.who;
  let bits = 0;
  let isDone = operator !== '=';
  const flush = () => {
    if (bits !== 0 || !isDone) steps.push(setBits(operator, who, bits));
    bits = 0;
    isDone = true;
  };
  for (const letter of permissions) {
    bits |= permissionBits[letter] ?? 0;
    if (letter === 's' && !onlyOthers) bits |= 0o6000;
    if (letter === 't') {
      who |= sticky;
      bits |= sticky;
    }
    if (!/[ugo]/.test(letter)) continue;
    isDone = true;
    flush();
    steps.push(copyBits(operator, who, letter));
  }
  flush();
  if (permissions.includes('X')) {
    const change = setBits(operator === '-' ? '-' : '+', who, 0o111);
    steps.push((mode, mayRun) => (mayRun ? change(mode, mayRun) : mode));
  }
  return steps;
}

function setBits(operator: string, who: number, bits: number): Step {
  const named = who === 0 ? bits : who & bits;
  if (operator === '+') return (mode) => mode | named;
  if (operator === '-') return (mode) => mode & ~named;
  return (mode) => (mode & ~(who || 0o6777)) | named;
}

const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

function copyBits(operator: string, who: number, from: string): Step {
  const targets = [6, 3, 0].filter((shift) => who === 0 || (who & (1 << shift)) !== 0);
  return (mode) => {
    const value = (mode >> (shifts[from] ?? 0)) & 7;
    const cleared = operator === '=' ? 7 : value;
    let now = mode;
    for (const shift of targets) {
      if (operator !== '+') now &= ~(cleared << shift);
      if (operator !== '-') now |= value << shift;
    }
    return now;
  };
}
