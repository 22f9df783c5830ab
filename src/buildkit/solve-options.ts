import type { BuildOptions } from '../api/types/image.ts';
import { readImports } from './cache-options.ts';
import type { MessageOf } from './grpc/protobuf.ts';
import { refused } from './refused.ts';
import type { definition } from './messages/control.ts';

/** Definitions that a client gives in place of a result it got before, by name. */
export type Inputs = ReadonlyMap<string, MessageOf<typeof definition>>;

/** Attributes of a build as BuildKit's clients write them, by name. */
export type Attributes = ReadonlyMap<string, string>;

export interface SolveOptions {
  /** Name of the build file in its directory. */
  readonly buildFile: string;
  /** URL of a context that is not the client's directory. */
  readonly remote: string | undefined;
  /** Whether the build file is the client's even so. */
  readonly ownBuildFile: boolean;
  readonly contextName: string;
  readonly dockerfileName: string;
  /** Other contexts by name: `local:NAME`, `docker-image://REF`, `input:NAME`, a URL. */
  readonly contexts: Attributes;
  /** What `input:NAME` stands for. */
  readonly inputs: Inputs;
  /** `frontend.lint`, `frontend.outline`, `frontend.targets` in place of a build. */
  readonly request: string | undefined;
  /** Sessions of directories that another session has than the build's, by the directory's name. */
  readonly sessions: Attributes;
  readonly build: BuildOptions;
}

type Draft = { -readonly [K in keyof BuildOptions]: BuildOptions[K] };
interface Reading {
  readonly build: Draft;
  readonly buildargs: Map<string, string>;
  readonly labels: Map<string, string>;
  readonly contexts: Map<string, string>;
  readonly sessions: Map<string, string>;
}
type Read = (value: string, reading: Reading, name: string) => void;

const nothing: Read = () => {};

/** What each attribute means; those that are not here are refused. */
const attributes: Readonly<Record<string, Read>> = {
  target: (value, { build }) => set(build, 'target', value),
  platform: (value, { build }) => {
    set(build, 'platform', value);
  },
  'no-cache': (value, { build }) => {
    if (value === '') build.nocache = true;
    else build.nocachestages = value.split(',');
  },
  'image-resolve-mode': (value, { build }) => {
    if (value === 'pull') build.pull = '1';
  },
  'add-hosts': (value, { build }) => set(build, 'extrahosts', value.replaceAll('=', ':')),
  'force-network-mode': (value, { build }) => set(build, 'networkmode', value === 'sandbox' ? 'default' : value),
  'shm-size': (value, { build }) => {
    build.shmsize = Number(value);
  },
  // Said elsewhere, or only of interest to BuildKit.
  filename: nothing,
  context: nothing,
  contextkey: nothing,
  dockerfilekey: nothing,
  requestid: nothing,
  source: nothing,
  cmdline: nothing,
  'frontend.caps': nothing,
  'multi-platform': nothing,
  'cache-imports': (value, { build }) => {
    build.cacheimports = readImports(value);
  },
  'cgroup-parent': (value, { build }) => set(build, 'cgroupparent', value),
  ulimit: (value, { build }) => {
    build.ulimits = value.split(',').map(readLimit);
  },
};

/** Attributes that begin so, with the rest of the name. */
const families: readonly (readonly [prefix: string, read: Read])[] = [
  ['build-arg:', (value, { buildargs }, name) => void buildargs.set(name, value)],
  ['label:', (value, { labels }, name) => void labels.set(name, value)],
  ['context:', (value, { contexts }, name) => void contexts.set(name, value)],
  ['local-sessionid:', (value, { sessions }, name) => void sessions.set(name, value)],
  ['input-metadata:', nothing],
  // Where the client says that its files come from.
  ['vcs:', nothing],
  [
    'attest:',
    (value, { build }, name) => {
      const fields = value.split(',').map((field) => /^([^=]*)=?(.*)$/s.exec(field) ?? []);
      const attributes = Object.fromEntries(
        fields.flatMap(([, key = '', text = '']) => (key && key !== 'type' ? [[key, text]] : [])),
      );
      build.attestations = { ...build.attestations, [name]: attributes };
    },
  ],
];

/** Reads the attributes of a build. Throws GrpcError for one that is not known or not supported. */
export function readSolveOptions(given: Attributes): SolveOptions {
  const reading: Reading = {
    build: {},
    buildargs: new Map(),
    labels: new Map(),
    contexts: new Map(),
    sessions: new Map(),
  };
  for (const [name, value] of given) {
    const family = families.find(([prefix]) => name.startsWith(prefix));
    const read = family?.[1] ?? (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
    if (!read) throw refused(`the build option ${JSON.stringify(name)}`);
    read(value, reading, name.slice(family?.[0].length ?? 0));
  }
  checkCapabilities(given.get('frontend.caps') ?? '');
  const { build, buildargs, labels, contexts, sessions } = reading;
  return {
    buildFile: given.get('filename') || 'Dockerfile',
    remote: given.get('context') || undefined,
    ownBuildFile: given.has('dockerfilekey') || !given.get('context'),
    contextName: given.get('contextkey') || 'context',
    dockerfileName: given.get('dockerfilekey') || 'dockerfile',
    contexts,
    sessions,
    inputs: new Map(),
    request: given.get('requestid') || undefined,
    build: { ...build, buildargs: Object.fromEntries(buildargs), labels: Object.fromEntries(labels) },
  };
}

const capabilities = [
  'moby.buildkit.frontend.contexts',
  'moby.buildkit.frontend.subrequests',
  'moby.buildkit.frontend.inputs',
];

function checkCapabilities(wanted: string): void {
  for (const one of wanted.split(',').filter(Boolean)) {
    const name = one.replace(/\+forward$/, '');
    if (!capabilities.includes(name)) throw refused(`the capability ${name}`);
  }
}

/** `name=soft[:hard]`. */
function readLimit(text: string): { Name: string; Soft: number; Hard: number } {
  const [, name, soft, hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === undefined) throw refused(`the limit ${JSON.stringify(text)}`);
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

function set<K extends 'target' | 'platform' | 'extrahosts' | 'networkmode' | 'cgroupparent'>(
  build: Draft,
  key: K,
  value: string,
): void {
  if (value !== '') build[key] = value;
}
