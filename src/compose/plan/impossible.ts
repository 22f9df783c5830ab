import type { Diagnostic } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { Service } from '../model/project.ts';
import type { Desired } from './desired.ts';

const minimumMemoryBytes = 6 * 1024 * 1024;

interface Rule {
  readonly path: string;
  /** What is wrong with the value there; undefined where nothing is. */
  readonly wrong: (value: unknown) => string | undefined;
}

const below =
  (least: number, message: string) =>
  (value: unknown): string | undefined =>
    typeof value === 'number' && value < least ? message : undefined;
const tooLittleMemory = (value: unknown): string | undefined =>
  typeof value === 'number' && value !== 0 && value < minimumMemoryBytes
    ? 'is too little: no container starts with less than 6m'
    : undefined;

/** What the model allows and no engine can do: numbers without meaning, names the kernel does not take. */
const rules: readonly Rule[] = [
  { path: 'mem_limit', wrong: tooLittleMemory },
  { path: 'deploy.resources.limits.memory', wrong: tooLittleMemory },
  { path: 'cpus', wrong: below(0, 'must not be negative') },
  { path: 'deploy.resources.limits.cpus', wrong: below(0, 'must not be negative') },
  { path: 'cpu_shares', wrong: below(0, 'must not be negative') },
  { path: 'shm_size', wrong: below(0, 'must not be negative') },
  { path: 'pids_limit', wrong: below(-1, 'must be -1 (no limit) or more') },
  { path: 'stop_grace_period', wrong: below(0, 'must not be negative') },
  ...['interval', 'timeout', 'start_period', 'start_interval', 'retries'].map((name) => ({
    path: `healthcheck.${name}`,
    wrong: below(0, 'must not be negative'),
  })),
  {
    path: 'healthcheck',
    wrong: (value) => {
      const { start_interval, start_period } = (value ?? {}) as Readonly<Record<string, unknown>>;
      return start_interval !== undefined && !start_period
        ? 'has a start_interval: start_period must be set, too'
        : undefined;
    },
  },
  {
    path: 'hostname',
    wrong: (value) =>
      typeof value === 'string' && (value.length > 64 || /[^A-Za-z0-9._-]/.test(value))
        ? 'is no host name: at most 64 letters, digits, ".", "_" and "-"'
        : undefined,
  },
];

/**
 * Throws COMPOSE_INVALID, with every such place, for values that the engine would refuse in the middle of the work: no
 * network is made for a container that can never be.
 */
export function refuseImpossible(
  { project, spanOf }: Pick<Desired, 'project' | 'spanOf'>,
  services: ReadonlySet<string>,
): void {
  const found = [...services].flatMap((name) => {
    const service = project.services[name];
    return service
      ? findingsOf(service).map(({ path, message }) => ({ path: ['services', name, ...path], message }))
      : [];
  });
  if (found.length === 0) return;
  const diagnostics = found.map(
    ({ path, message }): Diagnostic => ({
      severity: 'error',
      code: 'COMPOSE_VALUE',
      path: path.join('.'),
      message,
      at: spanOf(...path).slice(0, 1),
    }),
  );
  throw new IechorError('COMPOSE_INVALID', diagnostics.map(({ path, message }) => `${path} ${message}`).join('; '), {
    diagnostics,
    at: diagnostics[0]?.at,
  });
}

function findingsOf(service: Service): { path: readonly string[]; message: string }[] {
  const single = rules.flatMap(({ path, wrong }) => {
    const keys = path.split('.');
    const message = wrong(
      keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], service),
    );
    return message === undefined ? [] : [{ path: keys, message }];
  });
  const limits = Object.entries(service.ulimits ?? {}).flatMap(([name, limit]) =>
    'single' in limit || limit.hard === -1 || (limit.soft !== -1 && limit.soft <= limit.hard)
      ? []
      : [{ path: ['ulimits', name], message: 'has a soft limit above the hard one' }],
  );
  return [...single, ...limits];
}
