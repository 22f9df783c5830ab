import type { Ulimit } from '../api/types/host-config.ts';
import type { OciProcess } from '../host/oci-types.ts';
import { mergeProcessEnv } from './create-config.ts';
import type { ResolvedUser } from './users.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Open files: enough for servers; a larger soft limit makes programs that close every descriptor slow. */
const openFiles = { soft: 65536, hard: 1048576 };

export interface ProcessInput {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly hostname: string;
  readonly tty: boolean;
  readonly consoleSize?: readonly [rows: number, columns: number];
  readonly user: ResolvedUser;
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly ulimits: readonly Ulimit[];
  /** The daemon's own hard limit, which no process below it can exceed. */
  readonly maxOpenFiles: number;
  readonly oomScoreAdj: number;
  readonly apparmorProfile?: string;
}

/** The first process of a container, or a further one (exec). Pure. */
export function ociProcess(input: ProcessInput): OciProcess {
  const { user } = input;
  // Only root holds its capabilities at once; other users gain them by set-user-ID programs within the bounding set.
  const held = user.uid === 0 ? [...input.capabilities] : [];
  return {
    terminal: input.tty,
    ...(input.consoleSize?.[0] && input.consoleSize[1]
      ? { consoleSize: { height: input.consoleSize[0], width: input.consoleSize[1] } }
      : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: [...input.args],
    env: processEnv(input),
    cwd: input.cwd,
    capabilities: {
      bounding: [...input.capabilities],
      effective: held,
      permitted: held,
      // Never inheritable nor ambient (CVE-2022-24769): an unprivileged program would gain them by execve.
      inheritable: [],
      ambient: [],
    },
    rlimits: rlimits(input.ulimits, input.maxOpenFiles),
    noNewPrivileges: input.noNewPrivileges,
    ...(input.apparmorProfile ? { apparmorProfile: input.apparmorProfile } : {}),
    ...(input.oomScoreAdj === 0 ? {} : { oomScoreAdj: input.oomScoreAdj }),
  };
}

function processEnv(input: ProcessInput): string[] {
  const base = [
    defaultPath,
    ...(input.hostname ? [`HOSTNAME=${input.hostname}`] : []),
    ...(input.tty ? ['TERM=xterm'] : []),
  ];
  // An empty HOME counts as none; what is not given comes last, as the runtimes of Docker add it.
  const given = input.env.filter((entry) => entry !== 'HOME=' && entry !== 'HOME');
  const env = mergeProcessEnv(base, given);
  return env.some((entry) => entry.startsWith('HOME=')) ? env : [...env, `HOME=${input.user.home}`];
}

function rlimits(ulimits: readonly Ulimit[], maxOpenFiles: number): NonNullable<OciProcess['rlimits']> {
  const limits = new Map([
    ['RLIMIT_NOFILE', { soft: Math.min(openFiles.soft, maxOpenFiles), hard: Math.min(openFiles.hard, maxOpenFiles) }],
    ['RLIMIT_CORE', { soft: 0, hard: 0 }],
  ]);
  // -1 is unlimited: RLIM_INFINITY is not a safe integer, and the runtimes take the largest 64-bit number for it.
  for (const { Name, Soft, Hard } of ulimits) {
    limits.set(`RLIMIT_${Name.toUpperCase()}`, { soft: unlimited(Soft), hard: unlimited(Hard) });
  }
  return [...limits].map(([type, limit]) => ({ type, ...limit }));
}

function unlimited(value: number): number {
  return value === -1 ? 2 ** 64 : value;
}
