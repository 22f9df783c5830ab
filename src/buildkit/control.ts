import { arch } from 'node:os';
import { version } from '../common/version.ts';
import { cacheMethods } from './cache.ts';
import { deliver } from './deliver.ts';
import { outputOf } from './exporters.ts';
import { runFrontend, type Serving } from './gateway.ts';
import type { MessageOf } from './grpc/protobuf.ts';
import { type Call, type Methods, method } from './grpc/server.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import {
  empty,
  historyRequest,
  infoReply,
  listWorkersReply,
  solveReply,
  solveRequest,
  statusReply,
  statusRequest,
  updateHistoryRequest,
} from './messages/control.ts';
import { refused } from './refused.ts';
import type { BuiltImage } from './solve.ts';
import type { Solve } from './solves.ts';

const service = '/moby.buildkit.v1.Control';
const versions = { package: 'iechor', version: `v${version}`, revision: '' };
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** BuildKit's control API, as far as clients of its docker driver use it. */
export function controlMethods(serving: Serving): Methods {
  return {
    ...cacheMethods(service, serving.engine),
    [`${service}/Info`]: method({ request: empty, reply: infoReply, handle: async () => ({ version: versions }) }),
    [`${service}/ListWorkers`]: method({
      request: empty,
      reply: listWorkersReply,
      handle: async () => ({
        record: [
          {
            id: 'iechor',
            labels: new Map([
              ['org.mobyproject.buildkit.worker.executor', 'iechor'],
              // Tells clients that caches, attestations, image layouts and pushes are ours to make.
              ['org.mobyproject.buildkit.worker.snapshotter', 'overlayfs'],
            ]),
            platforms: [{ os: 'linux', architecture: architectures[arch()] ?? arch(), variant: '' }],
            version: versions,
          },
        ],
      }),
    }),
    [`${service}/Solve`]: method({
      request: solveRequest,
      reply: solveReply,
      handle: (request, call) => solve(request, call, serving),
    }),
    // No history of builds is kept: there is nothing to list, and nothing to change.
    [`${service}/ListenBuildHistory`]: method({
      request: historyRequest,
      reply: empty,
      handle: ({ earlyExit }, { signal }) => noHistory(earlyExit, signal),
    }),
    [`${service}/UpdateBuildHistory`]: method({
      request: updateHistoryRequest,
      reply: empty,
      handle: async ({ ref }) => {
        throw new GrpcError(grpcCode.notFound, `no record of build ${ref}: no history of builds is kept`);
      },
    }),
    // A client with one connection opens further sessions within it.
    [`${service}/Session`]: { tunnel: (bytes, { headers }) => serving.sessions.serve(bytes, headers) },
    [`${service}/Status`]: method({
      request: statusRequest,
      reply: statusReply,
      handle: ({ ref }, { signal }) => serving.solves.of(ref).log.read(signal),
    }),
  };
}

async function* noHistory(earlyExit: boolean, signal: AbortSignal): AsyncGenerator<object> {
  if (earlyExit || signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

type SolveRequest = MessageOf<typeof solveRequest>;

/** A solve lasts until its client has returned what it made of the results, and gave up nothing meanwhile. */
async function solve(request: SolveRequest, { signal }: Call, serving: Serving) {
  const solve = serving.solves.of(request.ref);
  if (solve.request) throw new GrpcError(grpcCode.alreadyExists, `build ${request.ref} has begun already`);
  if (request.definition && request.definition.def.length > 0) throw refused('building from LLB');
  solve.request = request;
  try {
    const output = outputOf(request);
    const images = await imagesOf(solve, { signal, serving });
    if (images.length === 0 || !output) return { exporterResponse: solve.told };
    const session = () => serving.sessions.find(request.session, signal);
    const { engine } = serving;
    const told = await deliver(images, output, { engine, session, progress: solve.progress, signal });
    return { exporterResponse: new Map([...solve.told, ...told]) };
  } finally {
    serving.solves.ended(request.ref);
  }
}

/** A definition of nothing (scratch) gives nothing; a client with neither it nor a frontend says itself what there is. */
async function imagesOf(solve: Solve, options: { signal: AbortSignal; serving: Serving }) {
  if (solve.request?.frontend !== '') return direct(solve, options);
  return solve.request.definition === undefined ? returnedImages(solve, options.signal) : [];
}

async function direct(
  solve: Solve,
  { signal, serving }: { signal: AbortSignal; serving: Serving },
): Promise<readonly BuiltImage[]> {
  const { frontend = '', frontendAttrs: options = new Map(), frontendInputs: inputs = new Map() } = solve.request ?? {};
  const { images } = await runFrontend(solve, { frontend, options, inputs }, { ...serving, signal });
  return images;
}

async function returnedImages(solve: Solve, signal: AbortSignal): Promise<readonly BuiltImage[]> {
  const gone = new Promise<never>((_, reject) => {
    const cancel = () => reject(new GrpcError(grpcCode.cancelled, 'the build was interrupted'));
    signal.addEventListener('abort', cancel, { once: true });
  });
  const returned = await Promise.race([solve.returned, gone]);
  if ('error' in returned) {
    const { code, message, details } = returned.error;
    throw new GrpcError(code, message, details);
  }
  const { ref, refs } = returned.result ?? {};
  const given = ref ? [['', ref] as const] : [...(refs?.refs ?? [])];
  return given.flatMap(([platform, { id }]) => {
    const image = solve.results.get(id);
    return image === undefined ? [] : [{ platform, image }];
  });
}
