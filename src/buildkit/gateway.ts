import { randomUUID } from 'node:crypto';
import { readSolveCaches } from './cache-options.ts';
import { definitionOf } from './definition.ts';
import type { BuildOptions } from '../api/types/image.ts';
import { type Output, outputOf } from './exporters.ts';
import { type Call, type Methods, method } from './grpc/server.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { empty } from './messages/control.ts';
import {
  evaluateRequest,
  inputsReply,
  pingReply,
  returnRequest,
  solveReply,
  solveRequest,
} from './messages/gateway.ts';
import type { Sessions } from './sessions.ts';
import { type BuildEngine, type BuiltImage, buildImage } from './solve.ts';
import { refused } from './refused.ts';
import { type Inputs, readSolveOptions } from './solve-options.ts';
import type { Solve, Solves } from './solves.ts';

export interface Serving {
  readonly engine: BuildEngine;
  readonly sessions: Sessions;
  readonly solves: Solves;
}

const service = '/moby.buildkit.v1.frontend.LLBBridge';

/** What clients find by name before they use it. */
const frontendCaps = ['solve.base', 'return', 'returnmap', 'proto.refarray', 'frontend.caps', 'frontend.inputs'];
const moreFrontendCaps = [
  'importcaches',
  'reference.output',
  'gateway.evaluate',
  'gateway.solve.evaluate',
  'gateway.solve.metadata',
];
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
  'exporter.image.attestations',
  'exporter.image.annotations',
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
        const { images, description } = await runFrontend(solve, request, { ...serving, signal: call.signal });
        if (description) return { result: { ref: { id: '' }, metadata: descriptionOf(description) } };
        return { result: resultOf(solve, images) };
      },
    }),
    // What a reference stands for has been built when a client gets it.
    [`${service}/Evaluate`]: method({
      request: evaluateRequest,
      reply: empty,
      handle: async ({ ref }, call) => {
        if (solveOf(call, serving).results.has(ref)) return {};
        throw new GrpcError(grpcCode.notFound, `no such reference: ${ref}`);
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
  readonly inputs: Inputs;
}

/** What a solve came to: an image for each platform, or the answer to a question. */
export interface BuiltImages {
  readonly images: readonly BuiltImage[];
  readonly description: object | undefined;
}

/** Builds with the one frontend there is, whatever image a client names for it. */
export async function runFrontend(
  solve: Solve,
  { frontend, options, inputs }: FrontendRequest,
  { engine, sessions, signal }: Omit<Serving, 'solves'> & { readonly signal: AbortSignal },
): Promise<BuiltImages> {
  checkFrontend(frontend, options);
  if (!solve.request) throw new GrpcError(grpcCode.failedPrecondition, 'the build has not begun');
  const output = outputOf(solve.request);
  const read = readSolveOptions(options);
  const session = await sessions.find(solve.request.session, signal);
  const told = { ...readSolveCaches(solve.request), ...callOf(read.request) };
  const named = { ...read, inputs, build: { ...withoutNeedless(read.build, output), ...told } };
  const sessionOf = async (dir: string) => {
    const other = read.sessions.get(dir);
    return other === undefined ? session : sessions.find(other, signal);
  };
  const building = { engine, session, sessionOf, progress: solve.progress, signal };
  const { images, description, cacheManifest } = await buildImage(named, building);
  if (cacheManifest) solve.told.set('cache.manifest', cacheManifest);
  return { images, description };
}

/** A little provenance that nobody asked for goes along where an output carries it; names are an index's, of several. */
function withoutNeedless(build: BuildOptions, output: Output | undefined): BuildOptions {
  const { provenance, ...others } = build.attestations ?? {};
  const carried = output?.type === 'oci' || output?.push === true;
  const isNeedless = provenance?.['inline-only'] === 'true' && !carried;
  const keepsNames = output?.type === 'image' && !(build.platform ?? '').includes(',');
  return {
    ...build,
    t: keepsNames ? output.names : [],
    attestations: isNeedless ? others : build.attestations,
  };
}

const calls: Readonly<Record<string, string>> = {
  'frontend.lint': 'check',
  'frontend.outline': 'outline',
  'frontend.targets': 'targets',
};

/** What is asked in place of a build. */
function callOf(request: string | undefined): { call?: string } {
  if (request === undefined) return {};
  const call = calls[request];
  if (call === undefined) throw refused(`the question ${request} about a build file`);
  return { call };
}

/** An answer about a build file, as clients read it: a version of the form, the data, and whether all is well. */
function descriptionOf(description: object): ReadonlyMap<string, Uint8Array> {
  const found = 'warnings' in description && Array.isArray(description.warnings) && description.warnings.length > 0;
  const json = JSON.stringify(description, undefined, 2);
  return new Map([
    ['version', Buffer.from('1.0.0')],
    ['result.json', Buffer.from(json)],
    ['result.txt', Buffer.from(json)],
    ['result.statuscode', Buffer.from(found ? '1' : '0')],
  ]);
}

function checkFrontend(frontend: string, options: ReadonlyMap<string, string>): void {
  if (frontend === 'dockerfile.v0') return;
  const source = options.get('source') ?? '';
  const isDockerfile = /^(docker\.io\/)?(docker|iechor)\/(dockerfile|iechorfile)(-upstream)?(:|@|$)/.test(source);
  if (frontend !== 'gateway.v0' || !isDockerfile) throw refused(`the frontend ${source || frontend}`);
}

/** One result, or one for each platform with what tells clients which is which. */
function resultOf(solve: Solve, images: BuiltImages['images']) {
  const [only] = images;
  if (images.length === 1 && only) return { ref: refOf(solve, only.image) };
  const Platforms = images.map(({ platform }) => {
    const [os, architecture, variant] = platform.split('/');
    return { ID: platform, Platform: { os, architecture, ...(variant && { variant }) } };
  });
  return {
    refs: { refs: new Map(images.map(({ platform, image }) => [platform, refOf(solve, image)])) },
    metadata: new Map([['refs.platforms', Buffer.from(JSON.stringify({ Platforms }))]]),
  };
}

/** Name of a result; with a definition that stands for the image, so that a client can give it to another build. */
function refOf(solve: Solve, image: string) {
  const id = randomUUID();
  solve.results.set(id, image);
  return { id, def: definitionOf(image) };
}
