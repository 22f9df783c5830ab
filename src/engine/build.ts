import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { ProgressMessage } from '../api/types/image.ts';
import type { BuildRequest } from '../build/build-context.ts';
import type { Builder } from '../build/builder.ts';
import { openRemote, type RemoteContext } from '../build/remote-context.ts';
import type { CacheEntry } from '../build/shared-cache/options.ts';
import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import { parsePlatform } from '../image/platform.ts';
import { familiar, formatReference, parseReference } from '../image/reference.ts';
import { applyTar } from '../image/tar-apply.ts';
import { removeInBackground } from '../image/tar-diff.ts';
import { collectBuildCache } from './build-cache.ts';
import { namedContexts } from './build-contexts.ts';
import { checkResources } from './check-limits.ts';
import type { EngineContext } from './context.ts';
import { publishImage } from './images.ts';

/** What a build has beyond its options: contexts that are there, and a client to ask. */
export type BuildExtras = Pick<BuildRequest, 'contexts' | 'logins' | 'askSecret' | 'askAgent' | 'clientContent'>;

export type BuildQuery = Parameters<EngineApi['imageBuild']>[0] & {
  readonly extras?: BuildExtras;
  readonly classic?: BuildRequest['classic'];
};

/** Builds what was sent; of that nothing is left when a failure is told, at which clients leave. */
export async function* buildImage(
  context: EngineContext,
  builder: Builder,
  request: BuildQuery,
): AsyncGenerator<ProgressMessage> {
  refuseUnsupported(request);
  checkResources({ Memory: request.memory ?? 0 });
  let failure: ProgressMessage | undefined;
  try {
    for await (const message of buildReceived(context, builder, request)) {
      if (message.error === undefined) yield message;
      else failure = message;
    }
    if (failure) yield failure;
  } finally {
    await collectBuildCache(context, builder);
  }
}

/** Unpacks the context where nothing of it can leave, and hands it to the builder; gone when the build has ended. */
async function* buildReceived(
  context: EngineContext,
  builder: Builder,
  request: BuildQuery,
): AsyncGenerator<ProgressMessage> {
  const platforms = platformsOf(request.platform);
  const unpacked = join(context.roots.dataRoot, 'tmp', `build-${newId().slice(0, 16)}`);
  const aside = `${unpacked}-contexts`;
  const given = localDirectory(request.localcontext);
  let built = '';
  mkdirSync(unpacked, { recursive: true, mode: 0o700 });
  try {
    const { directory, buildFile } = given === undefined ? await receive(unpacked, request) : { directory: given };
    const { buildcontexts, signal } = request;
    const contexts = await namedContexts(buildcontexts, { contextDir: directory, aside, signal });
    for await (const message of builder.build({
      ...buildRequest(context, request, directory),
      ...(platforms.length > 1 ? { platform: undefined, platforms } : {}),
      ...(buildFile !== undefined && { dockerfile: buildFile }),
      contexts,
      ...request.extras,
    })) {
      for (const id of idsIn(message)) announce(context, id, request.t ?? []);
      const quiet = request.q && !message.error && !(message.aux && request.steps) && !message.derivation;
      if (!quiet) yield message;
      built = message.aux?.ID ?? built;
    }
    if (request.q && built !== '') yield { stream: `${built}\n` };
  } finally {
    await Promise.all([unpacked, aside].map(removeInBackground));
  }
}

/** `linux/amd64,linux/arm64`, each once. Throws BAD_REQUEST. */
function platformsOf(text = ''): readonly string[] {
  const platforms = [...new Set(text.split(',').map((one) => one.trim()))].filter((one) => one !== '');
  for (const platform of platforms) parsePlatform(platform);
  return platforms;
}

const idsIn = ({ aux }: ProgressMessage): readonly string[] =>
  aux?.Platforms ? Object.values(aux.Platforms) : aux?.ID ? [aux.ID] : [];

/** Brings the context that was sent, or that `remote` names, into a directory. */
async function receive(directory: string, request: BuildQuery): Promise<RemoteContext> {
  const { remote, body, buildargs, signal = new AbortController().signal } = request;
  const keepGitDir = /^(1|true)$/i.test(buildargs?.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? '');
  if (remote) return openRemote(directory, remote, { keepGitDir, signal });
  await applyTar(body, { root: directory }, signal);
  return { directory };
}

/** The caller's own directory, if it is the same here. Whoever may build may mount any directory of the machine. */
function localDirectory(local: BuildQuery['localcontext'], hint = 'Send the context as an archive.') {
  if (!local) return undefined;
  const { directory = '', device, inode, boot } = local;
  const stat = isAbsolute(directory) ? statSync(directory, { bigint: true, throwIfNoEntry: false }) : undefined;
  const isHere = boot === readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  if (isHere && stat?.isDirectory() && String(stat.dev) === device && String(stat.ino) === inode) return directory;
  throw new IechorError('NOT_SUPPORTED', `the directory ${directory} is another one here`, {
    hint,
  });
}

/** Tells of a built image and of its names. */
function announce(context: EngineContext, id: string, names: readonly string[]): void {
  publishImage(context, id, 'create');
  for (const name of names) publishImage(context, id, 'tag', { name: familiar(formatReference(parseReference(name))) });
}

const calls = ['check', 'outline', 'targets'] as const;

/** What `call` asks for; `build` is the default. */
function callOf(text: string | undefined): (typeof calls)[number] | undefined {
  if (!text || text === 'build') return undefined;
  const known = calls.find((call) => call === text);
  if (known) return known;
  throw new IechorError('BAD_REQUEST', `a build cannot be called for ${JSON.stringify(text)}`, {
    hint: 'call takes build, check, outline or targets.',
  });
}

/** The cache holds the steps of all images made here: it is used where one of those that are to be taken from is. */
function nothingToTake(context: EngineContext, cacheFrom: readonly string[]): boolean {
  return cacheFrom.length > 0 && !cacheFrom.some((name) => context.images.find(name));
}

/** A cache in a directory counts where it is one of this machine. */
function cacheOf(
  { type, attrs, directory }: NonNullable<BuildQuery['cacheimports']>[number],
  key: 'src' | 'dest',
  extras: BuildExtras | undefined,
): CacheEntry {
  if (type !== 'local' || !attrs[key] || (attrs.store && extras?.clientContent)) return { type, attrs };
  const hint = 'keep the cache in a registry: type=registry,ref=NAME';
  const here = localDirectory(directory, hint);
  if (here !== undefined) return { type, attrs: { ...attrs, [key]: here } };
  throw new IechorError('NOT_SUPPORTED', `this engine sees no directory ${attrs[key]} of the client`, { hint });
}

function buildRequest(
  context: EngineContext,
  request: BuildQuery,
  contextDir: string,
): Parameters<Builder['build']>[0] {
  return {
    contextDir,
    dockerfile: request.dockerfile,
    tags: request.t,
    buildArgs: request.buildargs,
    labels: request.labels,
    target: request.target,
    noCache: request.nocache || nothingToTake(context, request.cachefrom ?? []),
    noCacheStages: request.nocachestages,
    attestations: request.attestations,
    source: request.remote || undefined,
    explain: request.explain,
    cacheFrom: request.cacheimports?.map((entry) => cacheOf(entry, 'src', request.extras)),
    cacheTo: request.cacheexports?.map((entry) => cacheOf(entry, 'dest', request.extras)),
    isLive: request.localcontext !== undefined,
    call: callOf(request.call),
    pull: !['', '0', 'no', 'false', 'none'].includes((request.pull ?? '').trim().toLowerCase()),
    networkMode: request.networkmode,
    extraHosts: [request.extrahosts ?? []].flat().flatMap((hosts) => (hosts === '' ? [] : hosts.split(','))),
    platform: request.platform,
    shmSizeBytes: request.shmsize || undefined,
    memoryBytes: request.memory || undefined,
    ulimits: request.ulimits,
    cgroupParent: request.cgroupparent || undefined,
    allow: request.allow,
    secrets: Object.fromEntries(
      Object.entries(request.secrets ?? {}).map(([id, content]) => [id, Buffer.from(content, 'base64')]),
    ),
    ssh: request.ssh,
    logins: request.registryConfig,
    classic: request.classic,
    signal: request.signal,
  };
}

function refuseUnsupported(request: BuildQuery): void {
  const refused: [string, unknown, string][] = [
    ['outputs', request.outputs, 'take them from the image'],
    [
      'remote=client-session',
      request.remote === 'client-session',
      'use a client with buildx, or set DOCKER_BUILDKIT=0',
    ],
  ];
  const { version = '', isolation = '', securityopt } = request;
  if (securityopt) throw new IechorError('BAD_REQUEST', 'security options are not supported on linux');
  if (!['', 'default'].includes(isolation.toLowerCase()))
    throw new IechorError('BAD_REQUEST', `unsupported isolation: ${JSON.stringify(isolation)}`);
  if (request.squash) {
    const hint = 'copy what is wanted into a last stage';
    throw new IechorError('BAD_REQUEST', 'squash is only supported with experimental mode', { hint });
  }
  if (!['', '1'].includes(version)) throw new IechorError('BAD_REQUEST', `invalid version ${JSON.stringify(version)}`);
  for (const [field, value, hint] of refused) {
    if (value) throw new IechorError('NOT_SUPPORTED', `builds with ${field} are not supported yet`, { hint });
  }
}
