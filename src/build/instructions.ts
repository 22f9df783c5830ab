import { posix } from 'node:path';
import { type ArgumentForm, type Arguments, type FlagKind, InstructionError } from './language/form.ts';
import { readHealthcheck } from './language/healthcheck.ts';
import type { Heredoc } from './language/heredoc.ts';
import { chompTabs, heredocOf } from './language/heredoc.ts';
import { checkMount } from './language/mount-option.ts';
import type { CommandLine, CopySpec, InstructionKinds, InstructionName, KeyValue } from './language/types.ts';

interface Row<N extends InstructionName> {
  readonly form: ArgumentForm;
  readonly flags: Readonly<Record<string, FlagKind>>;
  readonly heredocs?: boolean;
  readonly read: (given: Arguments) => InstructionKinds[N];
}

const copyFlags = { chown: 'string', chmod: 'string', link: 'bool', exclude: 'strings' } as const;
const healthFlags = {
  interval: 'string',
  timeout: 'string',
  'start-period': 'string',
  'start-interval': 'string',
  retries: 'string',
} as const;

/** The language: one row for each instruction. */
export const instructionTable: { readonly [N in InstructionName]: Row<N> } = {
  FROM: { form: 'words', flags: { platform: 'string' }, read: readFrom },
  ARG: { form: 'names', flags: {}, read: readArg },
  RUN: {
    form: 'command',
    flags: { mount: 'strings', network: 'string', security: 'string', device: 'strings' },
    heredocs: true,
    read: readRun,
  },
  COPY: {
    form: 'list',
    flags: { ...copyFlags, from: 'string', parents: 'bool' },
    heredocs: true,
    read: (given) => ({ ...readCopy('COPY', given), ...text(given, 'from'), parents: isSet(given, 'parents') }),
  },
  ADD: {
    form: 'list',
    flags: { ...copyFlags, checksum: 'string', 'keep-git-dir': 'bool', unpack: 'bool' },
    heredocs: true,
    read: (given) => ({
      ...readCopy('ADD', given),
      ...text(given, 'checksum'),
      ...(given.flags.has('keep-git-dir') && { keepGitDir: isSet(given, 'keep-git-dir') }),
      ...(given.flags.has('unpack') && { unpack: isSet(given, 'unpack') }),
    }),
  },
  ENV: { form: 'pairs', flags: {}, read: (given) => ({ pairs: readPairs('ENV', given) }) },
  LABEL: { form: 'pairs', flags: {}, read: (given) => ({ pairs: readPairs('LABEL', given) }) },
  EXPOSE: { form: 'words', flags: {}, read: (given) => ({ ports: [...atLeastOne('EXPOSE', given)].sort() }) },
  VOLUME: { form: 'list', flags: {}, read: readVolume },
  USER: { form: 'text', flags: {}, read: (given) => ({ user: exactlyOne('USER', given) }) },
  WORKDIR: { form: 'text', flags: {}, read: (given) => ({ path: exactlyOne('WORKDIR', given) }) },
  CMD: { form: 'command', flags: {}, read: (given) => ({ command: commandLine(given) }) },
  ENTRYPOINT: { form: 'command', flags: {}, read: (given) => ({ command: commandLine(given) }) },
  SHELL: { form: 'command', flags: {}, read: readShell },
  STOPSIGNAL: { form: 'text', flags: {}, read: (given) => ({ signal: exactlyOne('STOPSIGNAL', given) }) },
  HEALTHCHECK: {
    form: 'typed-command',
    flags: healthFlags,
    read: (given) => ({ health: readHealthcheck(given) }),
  },
  ONBUILD: { form: 'instruction', flags: {}, heredocs: true, read: readOnbuild },
  MAINTAINER: { form: 'text', flags: {}, read: (given) => ({ maintainer: exactlyOne('MAINTAINER', given) }) },
};

export const instructionNames = Object.keys(instructionTable) as InstructionName[];

const isSet = (given: Arguments, flag: string): boolean => given.flags.get(flag)?.at(-1) === 'true';
const list = (given: Arguments, flag: string): readonly string[] => given.flags.get(flag) ?? [];
function text<K extends string>(given: Arguments, flag: K): { [P in K]?: string } {
  const value = given.flags.get(flag)?.at(-1);
  return (value ? { [flag]: value } : {}) as { [P in K]?: string };
}

function atLeastOne(name: string, given: Arguments): readonly string[] {
  if (given.args.length === 0) throw new InstructionError(`${name} requires at least one argument`);
  return given.args;
}
function exactlyOne(name: string, given: Arguments): string {
  const [only, ...others] = given.args;
  if (only === undefined || others.length > 0) throw new InstructionError(`${name} requires exactly one argument`);
  return only;
}

function commandLine(given: Arguments): CommandLine {
  return { args: given.args, json: given.json, heredocs: given.heredocs };
}

function readFrom(given: Arguments): InstructionKinds['FROM'] {
  const [base, as, name, ...more] = given.args;
  const named = name !== undefined && more.length === 0 && as?.toLowerCase() === 'as';
  if (base === undefined || !(named || as === undefined)) {
    throw new InstructionError('FROM requires either one or three arguments', { hint: 'FROM image [AS name]' });
  }
  // As BuildKit, which also looks for a context of that name and so wants an image's.
  if (name !== undefined && !/^[a-z][a-z0-9]*(?:(?:[._]|__|-+)[a-z0-9]+)*$/.test(name.toLowerCase())) {
    throw new InstructionError(`${JSON.stringify(name)} is not a name for a build stage`, {
      token: name,
      hint: 'Names begin with a letter and hold letters, digits, "-", "_" and ".".',
    });
  }
  return { base, ...(name !== undefined && { as: name.toLowerCase() }), ...text(given, 'platform') };
}

function readArg(given: Arguments): InstructionKinds['ARG'] {
  const args = atLeastOne('ARG', given).map((word) => {
    const equals = word.indexOf('=');
    if (equals === 0) throw new InstructionError('ARG names can not be blank', { token: word });
    return equals < 0 ? { key: word } : { key: word.slice(0, equals), value: word.slice(equals + 1) };
  });
  return { args };
}

function readRun(given: Arguments): InstructionKinds['RUN'] {
  const mounts = list(given, 'mount');
  for (const mount of mounts) checkMount(mount);
  const network = given.flags.get('network')?.at(-1);
  if (network !== undefined && !['default', 'none', 'host'].includes(network)) {
    throw new InstructionError(`unsupported network mode ${JSON.stringify(network)}`, {
      token: `--network=${network}`,
      hint: 'RUN --network takes default, none or host.',
    });
  }
  const security = given.flags.get('security')?.at(-1);
  if (security !== undefined && !['sandbox', 'insecure'].includes(security)) {
    throw new InstructionError(`security ${JSON.stringify(security)} is not valid`, {
      token: `--security=${security}`,
    });
  }
  return {
    command: commandLine(given),
    mounts,
    ...text(given, 'network'),
    ...text(given, 'security'),
    devices: list(given, 'device'),
  };
}

function readCopy(name: string, given: Arguments): CopySpec {
  const destination = given.args.at(-1);
  if (given.args.length < 2 || destination === undefined) {
    throw new InstructionError(`${name} requires at least two arguments: sources and a destination`);
  }
  if (heredocOf(destination)) throw new InstructionError(`${name} cannot take a heredoc as its destination`);
  const sources: string[] = [];
  const inline: Heredoc[] = [];
  for (const source of given.args.slice(0, -1)) {
    const heredoc = heredocOf(source);
    if (!heredoc) {
      sources.push(source);
      continue;
    }
    const name = posix.join('/', heredoc.name).slice(1).replace(/\/$/, '');
    if (name === '' || name.includes('/')) {
      throw new InstructionError(`${JSON.stringify(heredoc.name)} can not be a file's name`, { token: source });
    }
    const content = given.heredocs.findLast((candidate) => candidate.name === heredoc.name)?.content ?? '';
    inline.push({ ...heredoc, name, content: heredoc.chomp ? chompTabs(content) : content });
  }
  return {
    sources,
    inline,
    destination,
    ...text(given, 'chown'),
    ...text(given, 'chmod'),
    link: isSet(given, 'link'),
    exclude: list(given, 'exclude'),
  };
}

function readPairs(name: string, given: Arguments): readonly KeyValue[] {
  if (given.pairs.length === 0) throw new InstructionError(`${name} requires at least one argument`);
  if (given.pairs.some((pair) => pair.key === '')) throw new InstructionError(`${name} names can not be blank`);
  return given.pairs;
}

function readVolume(given: Arguments): InstructionKinds['VOLUME'] {
  const paths = atLeastOne('VOLUME', given).map((path) => path.trim());
  if (paths.includes('')) throw new InstructionError('VOLUME can not be an empty string');
  return { paths };
}

function readShell(given: Arguments): InstructionKinds['SHELL'] {
  const shell = atLeastOne('SHELL', given);
  if (!given.json) {
    throw new InstructionError('SHELL requires its arguments as a JSON array', { hint: 'SHELL ["/bin/bash", "-c"]' });
  }
  return { shell };
}

function readOnbuild(given: Arguments): InstructionKinds['ONBUILD'] {
  const name = /^\S*/.exec(given.text)?.[0].toUpperCase() ?? '';
  if (name === '') throw new InstructionError('ONBUILD requires at least one argument');
  if (/^--./.test(name)) throw new InstructionError(`unknown flag: ${name.toLowerCase()}`);
  if (name === 'ONBUILD') throw new InstructionError('ONBUILD can not be chained: ONBUILD ONBUILD');
  if (name === 'FROM' || name === 'MAINTAINER') throw new InstructionError(`${name} can not be an ONBUILD trigger`);
  const bodies = given.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
  return { trigger: given.text + bodies.join('') };
}
