import { InstructionError } from './form.ts';
import { didYouMean } from '../../common/nearest.ts';

export type MountType = 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';

/** RUN --mount, read and checked. */
export interface RunMount {
  readonly type: MountType;
  readonly from?: string;
  readonly source?: string;
  readonly target?: string;
  readonly readOnly: boolean;
  readonly id?: string;
  readonly sharing?: 'shared' | 'private' | 'locked';
  readonly required: boolean;
  readonly sizeBytes?: number;
  /** Name of the variable a secret goes to; empty: the secret's id. */
  readonly env?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

type Draft = { -readonly [K in keyof RunMount]: RunMount[K] };
type Expand = (value: string) => string;

const mountTypes = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const sharings = ['shared', 'private', 'locked'] as const;
const isOneOf = <T extends string>(value: string, known: readonly T[]): value is T =>
  (known as readonly string[]).includes(value);

/** What can be checked before variables are known: `from` takes none. */
export function checkMount(option: string): void {
  for (const field of splitCsv(option)) {
    const [key, value] = cut(field);
    const dollar = value?.indexOf('$') ?? -1;
    if (key === 'from' && value !== undefined && dollar >= 0 && dollar !== value.length - 1) {
      throw new InstructionError('from takes no variables in a mount', {
        token: field,
        hint: 'Define a stage with FROM and the variable, and name the stage here.',
      });
    }
  }
}

/** Reads `type=cache,target=/x,...`, expanding variables in the values. */
export function readMount(option: string, expand: Expand): RunMount {
  const draft: Draft = { type: 'bind', readOnly: true, required: false };
  let accessGiven = false;
  for (const field of splitCsv(option)) {
    const [key, raw] = cut(field);
    const read = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (!read) {
      throw new InstructionError(`unexpected key '${key}' in '${field}'`, {
        token: field,
        hint: didYouMean(key, Object.keys(fields)),
      });
    }
    if (raw === undefined && !bare.has(key)) {
      throw new InstructionError(`'${field}' in a mount must be key=value`, { token: field });
    }
    accessGiven ||= access.has(key);
    read(draft, raw === undefined ? 'true' : expand(raw), key);
  }
  if (!accessGiven) draft.readOnly = draft.type !== 'cache' && draft.type !== 'tmpfs';
  checkCombination(draft);
  return draft;
}

const bare = new Set(['readonly', 'ro', 'readwrite', 'rw', 'required']);
const access = new Set(['readonly', 'ro', 'readwrite', 'rw']);

const setReadOnly = (draft: Draft, value: string, key: string) => {
  draft.readOnly = boolean(value, key);
};
const setReadWrite = (draft: Draft, value: string, key: string) => {
  draft.readOnly = !boolean(value, key);
};
const setSource = (draft: Draft, value: string) => {
  draft.source = value;
};
const setTarget = (draft: Draft, value: string) => {
  draft.target = value;
};

const fields: Readonly<Record<string, (draft: Draft, value: string, key: string) => void>> = {
  type: (draft, value) => {
    const lower = value.toLowerCase();
    if (!isOneOf(lower, mountTypes)) {
      throw new InstructionError(`unsupported mount type ${JSON.stringify(value)}`, {
        hint: didYouMean(value, mountTypes),
      });
    }
    draft.type = lower;
  },
  from: (draft, value) => {
    draft.from = value;
  },
  source: setSource,
  src: setSource,
  target: setTarget,
  dst: setTarget,
  destination: setTarget,
  readonly: setReadOnly,
  ro: setReadOnly,
  readwrite: setReadWrite,
  rw: setReadWrite,
  required: (draft, value, key) => {
    onlyFor(draft, ['secret', 'ssh'], key);
    draft.required = boolean(value, key);
  },
  size: (draft, value, key) => {
    onlyFor(draft, ['tmpfs'], key);
    draft.sizeBytes = bytes(value, key);
  },
  id: (draft, value) => {
    draft.id = value;
  },
  sharing: (draft, value) => {
    const lower = value.toLowerCase();
    if (!isOneOf(lower, sharings)) {
      throw new InstructionError(`unsupported sharing value ${JSON.stringify(value)}`, {
        hint: didYouMean(value, sharings),
      });
    }
    draft.sharing = lower;
  },
  mode: (draft, value, key) => {
    draft.mode = number(value, key, 8);
  },
  uid: (draft, value, key) => {
    draft.uid = number(value, key, 10);
  },
  gid: (draft, value, key) => {
    draft.gid = number(value, key, 10);
  },
  env: (draft, value) => {
    draft.env = value;
  },
};

function onlyFor(draft: Draft, types: readonly MountType[], key: string): void {
  if (!types.includes(draft.type)) throw new InstructionError(`unexpected key '${key}' for a ${draft.type} mount`);
}

function checkCombination(mount: RunMount): void {
  const refuse = (problem: string) => {
    throw new InstructionError(problem);
  };
  const { type } = mount;
  if (type === 'bind' || type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const) {
      if (mount[key] !== undefined) refuse(`${key} is not allowed for ${type} mounts`);
    }
  }
  if (type === 'secret') {
    if (mount.from) refuse('a secret mount takes no from');
    if (!mount.source && !mount.target && !mount.id) refuse('a secret mount needs an id, a source or a target');
    if (mount.source && mount.id) refuse('a secret mount takes id or source, not both');
  } else if (type !== 'ssh' && !mount.target) refuse(`a ${type} mount needs a target`);
  if (mount.sharing && type !== 'cache') refuse(`sharing is not allowed for ${type} mounts`);
}

function boolean(value: string, key: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new InstructionError(`invalid value for ${key}: ${value}`, { token: `${key}=${value}` });
}

function number(value: string, key: string, base: 8 | 10): number {
  if (!(base === 8 ? /^[0-7]{1,11}$/ : /^\d{1,10}$/).test(value) || Number.parseInt(value, base) > 0xffffffff) {
    throw new InstructionError(`invalid value ${value} for ${key}`, { token: `${key}=${value}` });
  }
  return Number.parseInt(value, base);
}

function bytes(value: string, key: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(value);
  if (!match) throw new InstructionError(`invalid value for ${key}: ${value}`, { token: `${key}=${value}` });
  return Math.floor(Number(match[1]) * 1024 ** ' kmgtp'.indexOf((match[2] || ' ').toLowerCase()));
}

function cut(field: string): [string, string | undefined] {
  const equals = field.indexOf('=');
  return equals < 0
    ? [field.toLowerCase(), undefined]
    : [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)];
}

/** Comma-separated fields, where a field may stand in double quotes. */
function splitCsv(text: string): string[] {
  const parts: string[] = [];
  const pattern = /("(?:[^"]|"")*"|[^,]*)(,|$)/gy;
  for (;;) {
    const match = pattern.exec(text);
    if (!match) throw new InstructionError('the quotes of a mount do not match', { token: text });
    const field = match[1] ?? '';
    parts.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (match[2] === '') return parts;
  }
}
