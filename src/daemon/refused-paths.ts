import { IechorError } from '../common/error.ts';

/** Operations of Docker's API that are not there, by method and path: they are refused by name, not as unknown. */
const refused: readonly (readonly [pattern: RegExp, what: string, hint?: string])[] = [
  [/^POST \/auth$/, 'logging in to a registry'],
  [/^POST \/images\/.+\/push$/, 'pushing images', 'use "iechor save" and a tool that pushes archives, such as skopeo'],
  [/^GET \/images\/search$/, 'searching a registry'],
  [/^POST \/(session|grpc)$/, 'builds with BuildKit sessions', 'set DOCKER_BUILDKIT=0 for Docker clients'],
  [/^POST \/build\/cancel$/, 'cancelling a build by its id', 'close the connection of the build'],
  [/^GET \/containers\/[^/]+\/attach\/ws$/, 'attaching by WebSocket'],
  [/^(GET|POST|DELETE) \/containers\/[^/]+\/checkpoints(\/.*)?$/, 'checkpoints'],
  [/^\w+ \/plugins(\/.*)?$/, 'plugins'],
  [/^\w+ \/(swarm|nodes|services|tasks|secrets|configs)(\/.*)?$/, 'Swarm', 'services of one machine: "iechor up"'],
];

/** What a request is answered that no operation fits: NOT_SUPPORTED for what Docker has, else NOT_FOUND in its words. */
export function refusalOf(method: string, path: string): IechorError {
  const [, what, hint] = refused.find(([pattern]) => pattern.test(`${method} ${path}`)) ?? [];
  if (what === undefined) return new IechorError('NOT_FOUND', 'page not found');
  return new IechorError('NOT_SUPPORTED', `not supported yet: ${what}`, { hint });
}
