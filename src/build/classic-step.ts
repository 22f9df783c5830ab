import { lstatSync } from 'node:fs';
import { posix } from 'node:path';
import { systemPath } from '../common/byte-path.ts';
import { IechorError } from '../common/error.ts';
import { newId } from '../common/id.ts';
import type { Digest, HistoryEntry, ImageConfig, ImageRecord } from '../image/types.ts';
import type { Build, StepContext } from './build-context.ts';
import type { BuildStep } from './events.ts';
import { resolveInRoot } from './files/root-path.ts';
import type { Graph, StageNode } from './graph.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { report, stepOf } from './report.ts';
import { addHistory, imageOf, type StageState } from './stage-state.ts';
import type { StepRecord } from './step-cache.ts';

/** Whether the layer of a finished step may be used: the image that ended with it is here, as the next of this one. */
export function isAtHand(
  { build, state }: StepContext,
  createdBy: string,
  { chain }: Pick<StepRecord, 'chain'>,
): boolean {
  const { classic } = build.request;
  if (!classic || classic.cacheFrom.length > 0) return true;
  const top = chain.at(-1);
  const isOf = (image: ImageRecord) =>
    image.chain.at(-1) === top && whatIsDone(image.config.history?.at(-1)?.created_by) === whatIsDone(createdBy);
  return build.parts.images.list().some((image) => image.parent === state.image && isOf(image));
}

/** The layer that comes next in an image to go on with, if that one says the same so far. */
export function nextLayer(
  { build, state }: StepContext,
  createdBy: string,
): Pick<StepRecord, 'diffId' | 'chain' | 'createdAt'> | undefined {
  const { history: former, diffIds, chain } = state;
  const found = nextIn(build.request.classic?.cacheFrom ?? [], { former, diffIds, next: { created_by: createdBy } });
  const [chainId, diffId] = [found?.image.chain[chain.length], found?.image.config.rootfs.diff_ids[chain.length]];
  if (!found || chainId === undefined || diffId === undefined) return undefined;
  return { diffId, chain: [...chain, chainId], createdAt: found.entry.created ?? '' };
}

/** What the history of one of the images says next, after the same as `former` and below the same layers. */
function nextIn(
  images: readonly ImageRecord[],
  { former, diffIds, next }: { former: readonly HistoryEntry[]; diffIds: readonly Digest[]; next: HistoryEntry },
): { image: ImageRecord; entry: HistoryEntry } | undefined {
  const said = JSON.stringify(former);
  for (const image of images) {
    const { history = [], rootfs } = image.config;
    const entry = history[former.length];
    if (!entry || entry.created_by !== next.created_by || !entry.empty_layer !== !next.empty_layer) continue;
    const isBelow = diffIds.every((diffId, index) => rootfs.diff_ids[index] === diffId);
    if (isBelow && JSON.stringify(history.slice(0, former.length)) === said) return { image, entry };
  }
  return undefined;
}

/** What keeps the container of a command that has ended, where that is asked for. */
export function keeper(
  { build, state, containerId: id }: StepContext,
  { args, upper }: { readonly args: readonly string[] | undefined; readonly upper: string },
): (exitCode: number) => Promise<void> {
  const startedAt = new Date().toISOString();
  const { image } = state;
  return async (exitCode) => {
    if (!args || id === undefined || image === undefined || build.signal.aborted) return;
    await build.request.classic?.keep?.({ id, image, args, ran: { exitCode, upper, startedAt } });
  };
}

/** The image after an instruction, told with its id; the state goes on with it. One that is there already is used. */
export async function commitStep(context: StepContext): Promise<void> {
  const { build, state } = context;
  const { classic } = build.request;
  if (!classic) return;
  const { images } = build.parts;
  await build.caches.current.bring(state.chain);
  const before = state.image === undefined ? undefined : images.get(state.image);
  const { name, source } = context.instruction;
  const { noCache } = build.request;
  const entry = noCache ? undefined : nextEntry(context, before);
  const known = noCache || entry ? undefined : sameStep(context, before);
  const isCached = known !== undefined || entry !== undefined;
  if (known) goOnWith(state, known);
  else {
    if (name === 'VOLUME') refuseFiles(context);
    noteStep(state, source, before?.config.history?.length ?? 0);
    if (entry) {
      state.history[state.history.length - 1] = entry;
      state.layerTime = entry.created;
    }
    const config = imageOf(state, {}, build.epoch);
    state.image = (await images.create(config, state.chain, before ? { parent: before.id } : {})).id;
    const { containerId: id } = context;
    if (!isCached && !runsOrCopies.has(name) && before && id !== undefined)
      await classic.keep?.({ id, image: before.id, args: ['/bin/sh', '-c', `#(nop) ${source}`] });
  }
  const isPlain = (before?.chain.length ?? 0) === state.chain.length;
  tellImage(build, state, { ...stepOf(context, 'committed'), ...(isPlain && { isCached }) });
}

/** The image that a former build made of the same one by the same instruction. */
function sameStep(
  { build, state, instruction }: StepContext,
  before: ImageRecord | undefined,
): ImageRecord | undefined {
  const entries = before?.config.history?.length ?? 0;
  const createdBy = state.history.length === entries ? instruction.source : state.history.at(-1)?.created_by;
  const said = ({ author, config, rootfs }: ImageConfig) => JSON.stringify([author, config, rootfs]);
  const now = said(imageOf(state, {}, build.epoch));
  return build.parts.images
    .list()
    .find(
      ({ parent, config }) =>
        parent === before?.id &&
        whatIsDone(config.history?.at(-1)?.created_by) === whatIsDone(createdBy) &&
        said(config) === now,
    );
}

/** Of COPY and ADD the same files in the same place count, however they are written. */
const whatIsDone = (createdBy = ''): string => createdBy.replace(/^(COPY|ADD) .* (\S+ # buildkit)$/s, '$1 $2');

/** What an image to go on with says of this step, in the place of which it then stands: so there comes that image's own. */
function nextEntry(
  { build, state, instruction }: StepContext,
  before: ImageRecord | undefined,
): HistoryEntry | undefined {
  const former = before?.config.history ?? [];
  const written = state.history[former.length] ?? { created_by: instruction.source, empty_layer: true };
  const images = build.request.classic?.cacheFrom ?? [];
  return nextIn(images, { former, diffIds: state.diffIds, next: written })?.entry;
}

/** The container of VOLUME is not made where a volume would lie over a file. */
function refuseFiles({ build, state, instruction }: StepContext): void {
  if (state.chain.length === 0) return;
  const root = build.scratch.viewOf(state.chain.at(-1));
  for (const path of Object.keys(state.config.Volumes ?? {})) {
    const there = lstatSync(systemPath(resolveInRoot(root, path)), { throwIfNoEntry: false });
    if (!there || there.isDirectory()) continue;
    const message = `cannot mount volume over existing file, file exists ${posix.join('/', path)}`;
    throw syntaxError(message, { ...instruction, code: 'BUILD_FAILED' });
  }
}

function goOnWith(state: StageState, { id, config }: ImageRecord): void {
  state.image = id;
  state.history.splice(0, state.history.length, ...(config.history ?? []));
  state.layerTime = config.created;
}

/** A step is of its own time, also where it makes no layer, and has a line in the history. */
function noteStep(state: StageState, source: string, before: number): void {
  if (state.history.length === before) addHistory(state, source);
  const last = state.history.at(-1);
  if (!last?.empty_layer) return;
  state.layerTime = new Date().toISOString();
  state.history[state.history.length - 1] = { ...last, created: state.layerTime };
}

/** Tells the image that a stage has come to, in the place of `step`. */
export function tellImage(build: Build, state: StageState, step: BuildStep): void {
  if (build.request.classic) build.emit({ stream: '', iechor: { ...step, image: state.image ?? '' } });
}

/** COPY and ADD need no container, and that of RUN is kept where it ends. */
const runsOrCopies: ReadonlySet<string> = new Set(['RUN', 'COPY', 'ADD']);

/** Tells the image that a stage ends with, and first makes that with the labels of the request. */
export async function endStage(build: Build, node: StageNode, state: StageState): Promise<void> {
  if (!build.request.classic) return;
  await solveLabels(build, node, state);
  if (node !== build.graph.target && state.image !== undefined) build.emit({ aux: { ID: state.image } });
}

const labelsOf = ({ request }: Build) => Object.entries(request.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

/** The labels of the request, as a last instruction of the target. */
async function solveLabels(build: Build, node: StageNode, state: StageState): Promise<void> {
  const labels = labelsOf(build);
  if (labels.length === 0 || node !== build.graph.target) return;

  const source = `LABEL ${labels.map((pair) => pair.join('=')).join(' ')}`;
  const { at, lines } = node.stage.from;
  const instruction: InstructionOf<'LABEL'> = { name: 'LABEL', pairs: [], source, at, lines, comments: [] };
  const number = ++build.counter.step;
  const clock = { startedAt: performance.now(), idle: { ms: 0 } };
  const context = { build, node, state, instruction, number, ordinal: number, triggers: [], ...clock };
  report(context, 'begun');
  state.config.Labels = { ...state.config.Labels, ...build.request.labels };
  addHistory(state, source);
  await commitStep({ ...context, containerId: newId() });
}

/** The classic builder makes every stage down to the target. */
export const withAllStages = (graph: Graph): Graph => ({
  ...graph,
  needed: new Set(graph.nodes.slice(0, graph.target.stage.index + 1).map(({ stage }) => stage.index)),
});

/** As the classic builder does: one stage after another. */
export async function solveInOrder(build: Build): Promise<StageState> {
  const { counter, graph } = build;
  counter.total += graph.file.globalArgs.length + (labelsOf(build).length > 0 ? 1 : 0);
  for (const { source } of graph.file.globalArgs) {
    counter.step += 1;
    build.emit({ stream: `Step ${counter.step}/${counter.total} : ${source}\n` });
  }
  for (const index of graph.needed) await build.stage(index);
  const state = await build.stage(graph.target.stage.index);
  if (state.image !== undefined) return state;
  throw new IechorError('BUILD_FAILED', 'No image was generated. Is your Dockerfile empty?');
}
