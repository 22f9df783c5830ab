/** New permission bits for a file, given its present ones. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

export interface Chmod {
  readonly change: ModeChange;
  /** Set where the mode was octal: directories made on the way get it too. */
  readonly octal?: number;
}

/** Reads `755`, `u=rwX,go=rX` and their like; undefined where it is neither. */
export function parseChmod(text: string): Chmod | undefined {
  if (/^\d+$/.test(text)) {
    const octal = Number.parseInt(text, 8);
    if (!/^[0-7]+$/.test(text) || octal > 0o7777) return undefined;
    return { octal, change: () => octal };
  }
  const changes: ModeChange[] = [];
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause);
    if (!match) return undefined;
    const who = !match[1] || match[1].includes('a') ? 'ugo' : match[1];
    for (const [, operator = '', permissions = ''] of (match[2] ?? '').matchAll(
      /([-+=])([ugo](?![rwxXst])|[rwxXst]*)/g,
    )) {
      changes.push((mode, isDirectory) => apply({ who, operator, permissions }, mode, isDirectory));
    }
  }
  return { change: (mode, isDirectory) => changes.reduce((now, change) => change(now, isDirectory), mode) };
}

const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

function apply(
  clause: { who: string; operator: string; permissions: string },
  mode: number,
  isDirectory: boolean,
): number {
  let set = 0;
  let mask = 0;
  const triple = tripleOf(clause.permissions, mode, isDirectory);
  for (const who of clause.who) {
    const shift = shifts[who] ?? 0;
    set |= triple << shift;
    mask |= 7 << shift;
  }
  if (clause.permissions.includes('s')) {
    if (clause.who.includes('u')) set |= 0o4000;
    if (clause.who.includes('g')) set |= 0o2000;
  }
  if (clause.permissions.includes('t')) set |= 0o1000;
  if (clause.operator === '+') return mode | set;
  if (clause.operator === '-') return mode & ~set;
  if (clause.who.includes('u')) mask |= 0o4000;
  if (clause.who.includes('g')) mask |= 0o2000;
  return (mode & ~mask) | set;
}

function tripleOf(permissions: string, mode: number, isDirectory: boolean): number {
  const copied = shifts[permissions];
  if (copied !== undefined) return (mode >> copied) & 7;
  let triple = 0;
  if (permissions.includes('r')) triple |= 4;
  if (permissions.includes('w')) triple |= 2;
  if (permissions.includes('x')) triple |= 1;
  if (permissions.includes('X') && (isDirectory || (mode & 0o111) !== 0)) triple |= 1;
  return triple;
}
