import { createHash, randomUUID } from 'node:crypto';
import { outputOf } from './exporters.ts';
import { int, many, maybe, message, one, text } from './grpc/protobuf.ts';
import { type Call, type Methods, method } from './grpc/server.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { empty } from './messages/control.ts';
import { inputsReply, pingReply, returnRequest, solveReply, solveRequest } from './messages/gateway.ts';
import type { Sessions } from './sessions.ts';
import { type BuildEngine, buildImage } from './solve.ts';
import { readSolveOptions, refused } from './solve-options.ts';
import type { Solve, Solves } from './solves.ts';

export interface Serving {
  readonly engine: BuildEngine;
  readonly sessions: Sessions;
  readonly solves: Solves;
}

const service = '/moby.buildkit.v1.frontend.LLBBridge';

/** What clients find by name before they use it. */
const frontendCaps = ['solve.base', 'return', 'returnmap', 'proto.refarray', 'frontend.caps', 'frontend.inputs'];
const moreFrontendCaps = ['importcaches', 'reference.output', 'gateway.solve.metadata'];
const llbCaps = [
  'source.image',
  'source.image.resolvemode',
  'source.local',
  'source.local.unique',
  'source.local.sessionid',
  'source.local.includepatterns',
  'source.local.followpaths',
  'source.local.excludepatterns',
  'source.local.sharedkeyhint',
  'exec.meta.base',
  'exec.meta.network',
  'exec.mount.bind',
  'exec.mount.cache',
  'exec.mount.cache.sharing',
  'exec.mount.selector',
  'exec.mount.tmpfs',
  'exec.mount.tmpfs.size',
  'exec.mount.secret',
  'exec.secretenv',
  'file.base',
  'constraints',
  'platform',
  'meta.ignorecache',
  'meta.description',
  'meta.exportcache',
];

/** The frontend's side of a solve: clients ask for the build by it, and hand the result back. */
export function gatewayMethods(serving: Serving): Methods {
  return {
    [`${service}/Ping`]: method({
      request: empty,
      reply: pingReply,
      handle: async () => ({
        frontendCaps: [...frontendCaps, ...moreFrontendCaps].map((id) => ({ id, enabled: true })),
        llbCaps: llbCaps.map((id) => ({ id, enabled: true })),
      }),
    }),
    [`${service}/Inputs`]: method({ request: empty, reply: inputsReply, handle: async () => ({}) }),
    [`${service}/Solve`]: method({
      request: solveRequest,
      reply: solveReply,
      handle: async (request, call) => {
        const solve = solveOf(call, serving);
        if (request.definition && request.definition.def.length > 0) throw refused('building from LLB');
        if (request.frontend === '') return { result: { ref: { id: '' } } };
        const image = await runFrontend(solve, request, { ...serving, signal: call.signal });
        return { result: { ref: refOf(solve, image) } };
      },
    }),
    [`${service}/Return`]: method({
      request: returnRequest,
      reply: empty,
      handle: async ({ result, error }, call) => {
        solveOf(call, serving).finish(error ? { error } : { result });
        return {};
      },
    }),
  };
}

function solveOf({ headers }: Call, { solves }: Serving): Solve {
  return solves.of(String(headers['buildkit-controlapi-buildid'] ?? ''));
}

export interface FrontendRequest {
  readonly frontend: string;
  readonly options: ReadonlyMap<string, string>;
}

/** Builds with the one frontend there is, whatever image a client names for it. Returns the image's id. */
export async function runFrontend(
  solve: Solve,
  { frontend, options }: FrontendRequest,
  { engine, sessions, signal }: Omit<Serving, 'solves'> & { readonly signal: AbortSignal },
): Promise<string> {
  checkFrontend(frontend, options);
  if (!solve.request) throw new GrpcError(grpcCode.failedPrecondition, 'the build has not begun');
  const output = outputOf(solve.request);
  const read = readSolveOptions(options);
  if (read.request !== undefined) throw refused(`the question ${read.request} about a build file`);
  const session = await sessions.find(solve.request.session, signal);
  const named = { ...read, build: { ...read.build, t: output?.names ?? [] } };
  return buildImage(named, { engine, session, progress: solve.progress, signal });
}

function checkFrontend(frontend: string, options: ReadonlyMap<string, string>): void {
  if (frontend === 'dockerfile.v0') return;
  const source = options.get('source') ?? '';
  const isDockerfile = /^(docker\.io\/)?(docker|iechor)\/(dockerfile|iechorfile)(-upstream)?(:|@|$)/.test(source);
  if (frontend !== 'gateway.v0' || !isDockerfile) throw refused(`the frontend ${source || frontend}`);
}

const sourceOp = message({ source: maybe(3, message({ identifier: one(1, text) })) });
const lastOp = message({ inputs: many(1, message({ digest: one(1, text), index: one(2, int) })) });

/** Name of a result; with a definition that stands for the image, so that a client can give it to another build. */
function refOf(solve: Solve, image: string) {
  const id = randomUUID();
  solve.results.set(id, image);
  const source = sourceOp.encode({ source: { identifier: `docker-image://${image}` } });
  const digest = `sha256:${createHash('sha256').update(source).digest('hex')}`;
  return { id, def: { def: [source, lastOp.encode({ inputs: [{ digest, index: 0 }] })] } };
}
