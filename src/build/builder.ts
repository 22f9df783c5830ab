import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import { IechorError, messageOf } from '../common/error.ts';
import { newId, shortId } from '../common/id.ts';
import { createKeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { Roots } from '../common/roots.ts';
import { findBuildFile, ignoreFileFor, readRules } from '../context/build-file.ts';
import type { ImageStore } from '../image/image-port.ts';
import { familiar, formatReference, parseReference } from '../image/reference.ts';
import type { Snapshotter } from '../image/snapshotter.ts';
import type { ChainId, Digest } from '../image/types.ts';
import { givenArgs, globalArgs, isProxyName } from './args.ts';
import { noting, readAttestations } from './attestations.ts';
import type { Build, BuilderParts, BuildRequest } from './build-context.ts';
import { type CacheDir, openCacheDirs } from './cache-dirs.ts';
import { cacheMountRoot, clearUnfinishedCacheDirs, hashIndexRoot, stepFilesRoot } from './cache-mounts.ts';
import { solveInOrder, withAllStages } from './classic-step.ts';
import { sourceDateEpoch } from './epoch.ts';
import { type BuildEvent, createEventQueue, errorEvent } from './events.ts';
import { openHashIndex } from './files/hash-index.ts';
import { contextView } from './files/source-view.ts';
import { openStepFiles } from './files/step-files.ts';
import { finish } from './finish.ts';
import { buildGraph, type Graph } from './graph.ts';
import { imageTree } from './image-tree.ts';
import { createLimit } from './limit.ts';
import { answerCall } from './lint/describe.ts';
import { failOnWarnings, lintBuild, warningLine } from './lint/lint-build.ts';
import { parseBuildFile } from './parse.ts';
import { hostPlatform, parsePlatform } from './platform.ts';
import type { BaseImages, Sandbox } from './ports.ts';
import { type Pruned, type PruneOptions, pruneCache } from './prune.ts';
import { clearLeftovers, openScratch } from './scratch.ts';
import { buildEach } from './several-platforms.ts';
import { exportCaches } from './shared-cache/export.ts';
import { openCaches, readCacheOptions } from './shared-cache/open.ts';
import type { CacheRegistry } from './shared-cache/registry-place.ts';
import { solveStage } from './solve.ts';
import type { StageState } from './stage-state.ts';
import { createStepCache, type StepRecord } from './step-cache.ts';
import { createTally } from './summary.ts';

/** Builds images from iEchorfiles (Dockerfiles). */
export interface Builder {
  /**
   * Builds and tags an image. Progress comes as messages; a failure is the last of them, with `error`, and the
   * sequence ends without throwing. Leaving the loop early, or the signal, stops the build.
   */
  build(request: BuildRequest): AsyncIterable<BuildEvent>;
  /** Removes what a daemon that died left of its builds; finished steps stay. Idempotent, for the start. */
  cleanLeftovers(): Promise<void>;
  /** Finished steps that later builds may use again. */
  steps(): readonly StepRecord[];
  /** Layers that finished steps need: the image store keeps them. */
  keptChains(): ReadonlySet<ChainId>;
  /** All files of an image as one tar archive. */
  tree(chain: readonly ChainId[], folder?: string): Readable;
  /** Forgets finished steps; the image store frees their layers with its next `collect`. */
  /** Directories of cache mounts. */
  cacheDirs(): readonly CacheDir[];
  prune(options: PruneOptions): Promise<Pruned>;
}

export function createBuilder(options: {
  readonly images: ImageStore;
  readonly snapshotter: Snapshotter;
  readonly store: ObjectStore;
  readonly sandbox: Sandbox;
  readonly bases: BaseImages;
  readonly registry: () => Promise<CacheRegistry>;
  readonly roots: Roots;
  readonly log: Log;
}): Builder {
  const { images, snapshotter, sandbox, bases, registry, roots, log } = options;
  const cache = createStepCache(options.store);
  const parts: BuilderParts = {
    images,
    snapshotter,
    sandbox,
    bases,
    registry,
    roots,
    log,
    cache,
    stepFiles: openStepFiles(stepFilesRoot(roots)),
    mutex: createKeyedMutex(),
    limit: createLimit(Math.max(2, availableParallelism())),
    cacheDirs: openCacheDirs(options.store, cacheMountRoot(roots)),
  };
  return {
    build: (request) => buildEach(request, { images, build: (one) => runBuild(parts, one) }),
    async cleanLeftovers() {
      await clearLeftovers(roots, snapshotter, log);
      clearUnfinishedCacheDirs(roots);
    },
    steps: cache.list,
    cacheDirs: parts.cacheDirs.list,
    keptChains: () => new Set(cache.list().flatMap((record) => record.chain)),
    tree: (chain, folder) => imageTree(chain, folder, parts),
    prune: (given) => pruneCache(given, parts),
  };
}

async function* runBuild(parts: BuilderParts, request: BuildRequest): AsyncGenerator<BuildEvent> {
  const queue = createEventQueue();
  const stop = new AbortController();
  const failure: Build['failure'] = {};
  const abort = () => stop.abort(new IechorError('INTERRUPTED', 'the build was interrupted'));
  if (request.signal?.aborted) abort();
  request.signal?.addEventListener('abort', abort, { once: true });
  const release = parts.images.hold();
  const done = carryOut(parts, request, { stop, failure, emit: queue.push, room: queue.room })
    .catch((error: unknown) => {
      parts.log.info('a build failed', { error: messageOf(error).split('\n')[0] });
      queue.push(errorEvent(error, failure.step));
    })
    .finally(release)
    .finally(queue.end);
  try {
    yield* queue.events;
  } finally {
    abort();
    request.signal?.removeEventListener('abort', abort);
    await done;
  }
}

interface Running {
  readonly stop: AbortController;
  readonly emit: (event: BuildEvent) => void;
  readonly room: () => Promise<void> | undefined;
  readonly failure: Build['failure'];
}

async function carryOut(given: BuilderParts, request: BuildRequest, running: Running): Promise<void> {
  const tags = (request.tags ?? []).map((tag) => formatReference(parseReference(tag)));
  const plan = planOf(given, request);
  const { graph, globals, platform, rules } = plan;
  const { bases } = plan.parts;
  const found = await lintBuild({ request, graph, globals, platform, rules, bases, signal: running.stop.signal });
  if (request.call) {
    const { warnings } = found;
    const called = answerCall(request.call, { graph, globals, given: givenArgs(request.buildArgs), warnings });
    running.emit({ stream: '', called });
    if (request.call === 'check') failOnWarnings(found);
    return;
  }
  const { build, forget, close } = await openBuild(plan, request, running);
  try {
    failOnWarnings(found);
    const state = await solveTarget(build, running.stop, forget);
    const image = await finish(build, state, tags);
    await exportCaches(build, state);
    warnUnusedArgs(build);
    announce(build, image, tags);
  } finally {
    close();
    for (const warning of found.warnings) running.emit({ stream: warningLine(warning), warning });
  }
}

/** A build as far as its request and file say it. Throws what is wrong with them. */
function planOf(given: BuilderParts, request: BuildRequest) {
  const materials: Build['materials'] = new Map();
  const read = readGraph(request);
  return {
    ...read,
    epoch: sourceDateEpoch(request),
    cacheOptions: readCacheOptions(request),
    attesting: readAttestations(request.attestations),
    rules: readRules(request.contextDir, read.name),
    materials,
    parts: { ...given, bases: noting(given.bases, given.images, materials) },
  };
}

/** A build ready to begin; `forget` lets all stages begin anew, `close` leaves nothing of it. */
async function openBuild(plan: ReturnType<typeof planOf>, request: BuildRequest, running: Running) {
  const { parts, graph, globals, platform, name, rules, epoch, cacheOptions, attesting, materials } = plan;
  const id = newId().slice(0, 16);
  const scratch = openScratch(id, parts.roots, parts.snapshotter);
  const stages = new Map<number, Promise<StageState>>();
  const index = request.isLive ? openHashIndex(hashIndexRoot(parts.roots), request.contextDir) : undefined;
  const context = contextView(request.contextDir, rules, index);
  const { signal } = running.stop;
  const say = (stream: string) => running.emit({ stream });
  const opening = openCaches(cacheOptions, { parts, request, platform, scratch, emit: say, signal });
  const caches = await opening.catch((error: unknown) => {
    scratch.close();
    throw error;
  });
  const build: Build = {
    ...{ id, parts, request, graph, globals, platform, scratch, context, caches, attesting, materials, epoch, signal },
    memo: new Map(),
    startedAt: new Date().toISOString(),
    emit: running.emit,
    room: running.room,
    failure: running.failure,
    stage(index) {
      const node = graph.nodes[index];
      if (!node) throw new Error(`no stage ${index}`);
      const known = stages.get(index) ?? solveStage(build, node);
      stages.set(index, known);
      return known;
    },
    counter: { step: 0, total: countSteps(graph) },
    usedArgs: new Set(graph.file.globalArgs.flatMap((instruction) => instruction.args.map((arg) => arg.key))),
    tally: createTally({
      view: context,
      isWhole: !request.isLive,
      ignoreFile: ignoreFileFor(request.contextDir, name),
    }),
  };
  const close = () => {
    scratch.close();
    index?.save();
  };
  return { build, forget: () => stages.clear(), close };
}

function readGraph(request: BuildRequest): Pick<Build, 'graph' | 'globals' | 'platform'> & { name: string } {
  const { name, shown, text } = findBuildFile(request.contextDir, request.dockerfile);
  const file = parseBuildFile(text, shown);
  const platform = request.platform ? parsePlatform(request.platform) : hostPlatform();
  const last = file.stages.at(-1);
  const stage = request.target || (last?.name ?? 'default');
  const given = givenArgs(request.buildArgs);
  const globals = globalArgs(file, given, { target: platform, host: hostPlatform(), stage });
  const graph = buildGraph(file, globals, request.target, new Set(Object.keys(request.contexts ?? {})));
  return {
    graph: request.classic ? withAllStages(graph) : graph,
    globals,
    platform,
    name,
  };
}

const countSteps = (graph: Graph): number =>
  graph.nodes
    .filter((node) => graph.needed.has(node.stage.index))
    .reduce((total, node) => total + 1 + node.stage.instructions.length, 0);

/** The target with all its layers. What a cache named and cannot give is built, in a further attempt. */
async function solveTarget(build: Build, stop: AbortController, forget: () => void): Promise<StageState> {
  const { caches, counter, failure, graph } = build;
  for (;;) {
    try {
      const state = await solveNeeded(build, stop);
      await caches.current.bring(state.chain);
      return state;
    } catch (error) {
      if (stop.signal.aborted || !caches.current.lost) throw error;
      caches.again();
      forget();
      build.tally.restart();
      delete failure.step;
      counter.total += countSteps(graph);
    }
  }
}

/** All stages that the target needs, side by side as far as they do not wait for each other. The first failure stops all. */
async function solveNeeded(build: Build, stop: AbortController): Promise<StageState> {
  if (build.request.classic) return solveInOrder(build);
  const running = [...build.graph.needed].map((index) =>
    build.stage(index).catch((error: unknown) => {
      if (!build.caches.current.lost) stop.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(running);
  if (stop.signal.aborted) throw stop.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return build.stage(build.graph.target.stage.index);
}

function announce({ emit, tally }: Build, image: Digest, tags: readonly string[]): void {
  emit({ stream: '', summary: tally.summary() });
  emit({ aux: { ID: image } });
  emit({ stream: `Successfully built ${shortId(image)}\n` });
  for (const tag of tags) emit({ stream: `Successfully tagged ${familiar(tag)}\n` });
}

function warnUnusedArgs(build: Build): void {
  const { classic, buildArgs } = build.request;
  // The classic builder also tells of those that the client has no value for.
  const names = classic ? Object.keys(buildArgs ?? {}).sort() : [...givenArgs(buildArgs).keys()];
  const unused = names.filter(
    (name) =>
      !build.usedArgs.has(name) &&
      !build.globals.has(name) &&
      !isProxyName(name) &&
      (classic || !/^BUILDKIT_|^SOURCE_DATE_EPOCH$/.test(name)),
  );
  if (unused.length > 0)
    build.emit({ stream: `[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n` });
}
