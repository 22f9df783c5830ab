import { IechorError } from '../common/error.ts';
import type { ErrorCode } from '../common/error-catalogue.ts';

interface Refusal {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** `$1` is the pattern's first group. */
  readonly message: string;
  readonly hint?: string;
}

const oneMachine = 'an engine of one machine: "iechor up" runs services';
const noManager =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** What Docker's API has and this engine has not: answered as Docker does where the feature is off. */
const refused: readonly Refusal[] = [
  {
    pattern: /^POST \/swarm\/leave$/,
    code: 'SWARM_OFF',
    message: 'This node is not part of a swarm',
    hint: oneMachine,
  },
  {
    pattern: /^POST \/swarm\/(?:init|join)$/,
    code: 'NOT_SUPPORTED',
    message: 'swarms of several machines are not supported',
    hint: oneMachine,
  },
  {
    pattern: /^\w+ \/(?:swarm|nodes|services|tasks)(?:\/.*)?$/,
    code: 'SWARM_OFF',
    message: noManager,
    hint: oneMachine,
  },
  {
    pattern: /^(?:GET|DELETE|POST) \/plugins\/(.+?)(?:\/(?:json|enable|disable|push|set|upgrade))?$/,
    code: 'NOT_FOUND',
    message: 'plugin "$1" not found',
    hint: 'the engine takes no plugins',
  },
  {
    pattern: /^POST \/(?:session|grpc)$/,
    code: 'BAD_REQUEST',
    message: 'no upgrade proto in request',
    hint: 'ask for "Upgrade: h2c", as buildx does',
  },
  {
    pattern: /^POST \/build\/cancel$/,
    code: 'NOT_SUPPORTED',
    message: 'cancelling a build by its id is not supported',
  },
  {
    pattern: /^\w+ \/containers\/[^/]+\/checkpoints(?:\/.*)?$/,
    code: 'NOT_SUPPORTED',
    message: 'checkpoints are not supported',
  },
];

/** What a request is answered that no operation fits: the feature's own refusal, else NOT_FOUND in Docker's words. */
export function refusalOf(method: string, path: string): IechorError {
  const asked = `${method} ${path}`;
  const row = refused.find(({ pattern }) => pattern.test(asked));
  if (!row) return new IechorError('NOT_FOUND', 'page not found');
  const [, name = ''] = row.pattern.exec(asked) ?? [];
  return new IechorError(row.code, row.message.replace('$1', decodeURIComponent(name)), { hint: row.hint });
}
