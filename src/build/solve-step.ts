import { isIechorError } from '../common/error.ts';
import { chainIdOf } from '../image/digest.ts';
import type { Diffed } from '../image/layer-tasks.ts';
import { expectTask } from '../image/layer-workers.ts';
import { diffLayer } from '../image/tar-diff.ts';
import type { ChainId } from '../image/types.ts';
import type { StepContext } from './build-context.ts';
import { hashParts, type KeyParts, stepKey } from './cache-key.ts';
import { isAtHand, keeper, nextLayer } from './classic-step.ts';
import { clampTimes } from './epoch.ts';
import { explainStep } from './explain.ts';
import type { Fingerprint } from './files/content-hash.ts';
import type { LateCopies } from './files/late-copies.ts';
import { report } from './report.ts';
import { addHistory } from './stage-state.ts';
import type { StepRecord } from './step-cache.ts';
import { isNamed, slotOf, whyMissed } from './why-missed.ts';

/** A step that makes a layer. */
export interface LayerStep {
  /** The instruction with its variables expanded, without any secret. */
  readonly canonical: string;
  readonly parts: KeyParts;
  readonly files?: Fingerprint | undefined;
  readonly createdBy: string;
  /** Changes the root file system mounted at `root`. */
  readonly execute: (root: string) => Promise<void>;
  /** What runs in it. */
  readonly args?: readonly string[];
  /** What of it has not arrived when that settles. */
  readonly late?: () => LateCopies | undefined;
}

/** Takes the step's layer from the cache, or makes it; the state goes on with it. */
export async function solveLayer(step: LayerStep, context: StepContext): Promise<void> {
  const { build, state } = context;
  const { cache, mutex, stepFiles } = build.parts;
  const { epoch } = build;
  const parts = {
    parent: state.stepKey,
    instruction: step.canonical,
    ...step.parts,
    ...(epoch !== undefined && { epoch: String(epoch) }),
  };
  const key = stepKey(parts);
  const now = { instruction: step.canonical, source: context.instruction.source, parts: hashParts(parts) };
  const looked = { ...now, key, files: step.files };
  const explain = (status: 'cached' | 'shared' | 'missed', reason?: string) =>
    explainStep({ now: looked, parts, reason }, status, context);
  const noCache = build.request.noCache || isNamed(context.node, build.request.noCacheStages);
  const record = await mutex.run(`step ${key}`, async () => {
    build.signal.throwIfAborted();
    const named = noCache || !step.args ? undefined : nextLayer(context, step.createdBy);
    if (named) return takeNamed({ ...now, ...named, key }, context);
    const known = cache.find(key);
    if (known && !noCache && fits(known, context) && isAtHand(context, step.createdBy, known)) {
      cache.touch(known, slotOf(context));
      report(context, 'cached');
      explain('cached');
      return known;
    }
    const slot = slotOf(context);
    const shared = noCache
      ? undefined
      : takeShared({ key, slot, ...now, ...(step.files && { files: step.files }) }, context);
    if (shared) {
      explain('shared');
      return shared;
    }
    const reason = whyMissed(looked, context);
    report(context, 'running', { reason });
    explain('missed', reason);
    const queuedAt = performance.now();
    const made = await build.parts.limit.run(() => {
      context.idle.ms += performance.now() - queuedAt;
      return makeLayer(step, context);
    });
    const at = new Date().toISOString();
    const createdAt = epoch === undefined ? at : new Date(epoch * 1000).toISOString();
    const fresh: StepRecord = { type: 'step', key, slot, ...now, ...made, createdAt, usedAt: at };
    cache.put(fresh);
    if (step.files) stepFiles.put(key, step.files);
    report(context, 'done', { reason });
    return fresh;
  });
  build.caches.current.note(record);
  const chainId = record.chain.at(-1);
  if (chainId === undefined) throw new Error('a step has a layer');
  state.stepKey = key;
  state.chain.push(chainId);
  state.diffIds.push(record.diffId);
  addHistory(state, step.createdBy, record);
}

/** The step as an image to go on with has it. */
function takeNamed(
  step: Pick<StepRecord, 'key' | 'instruction' | 'source' | 'parts' | 'diffId' | 'chain' | 'createdAt'>,
  context: StepContext,
): StepRecord {
  report(context, 'cached');
  return { type: 'step', ...step, slot: slotOf(context), sizeBytes: 0, usedAt: step.createdAt };
}

/** The step as a cache outside this engine has it. Its layer comes when something needs it. */
function takeShared(
  step: Pick<StepRecord, 'key' | 'slot' | 'instruction' | 'source' | 'parts' | 'files'>,
  context: StepContext,
): StepRecord | undefined {
  const { build, state } = context;
  const { files, ...known } = step;
  const found = build.caches.current.find(step.key, state.chain);
  if (!found) return undefined;
  const chain = [...state.chain, found.chainId];
  const usedAt = new Date().toISOString();
  const { diffId, created: createdAt, place } = found;
  const record: StepRecord = { type: 'step', ...known, diffId, chain, sizeBytes: 0, createdAt, usedAt };
  build.caches.current.took(found, record);
  if (files) build.parts.stepFiles.put(step.key, files);
  report(context, 'cached', { from: place.name });
  return record;
}

/** The step's layers are all there, and stand on those that the build has now. */
function fits(record: StepRecord, { build, state }: StepContext): boolean {
  const { snapshotter } = build.parts;
  return (
    record.chain.length === state.chain.length + 1 &&
    state.chain.every((chainId, index) => record.chain[index] === chainId) &&
    record.chain.every((chainId) => snapshotter.has(chainId))
  );
}

async function makeLayer(
  step: LayerStep,
  context: StepContext,
): Promise<Pick<StepRecord, 'diffId' | 'chain' | 'sizeBytes'>> {
  const { build, state } = context;
  const { snapshotter } = build.parts;
  build.signal.throwIfAborted();
  await build.caches.current.bring(state.chain);
  const parent = state.chain.at(-1);
  const key = `build-${build.id}-${context.number}`;
  await snapshotter.prepare(key, parent);
  try {
    const root = build.scratch.mount(snapshotter.mount(key));
    expectTask();
    const keep = keeper(context, { args: step.args, upper: snapshotter.upperDir(key) });
    try {
      await step.execute(root);
    } catch (error) {
      build.scratch.unmount(root);
      await keep(isIechorError(error) ? error.exit : 1);
      throw error;
    }
    build.scratch.unmount(root);
    await keep(0);
    build.signal.throwIfAborted();
    if (build.epoch !== undefined) await clampTimes(snapshotter.upperDir(key), build.epoch, build.signal);
    const { diffId, sizeBytes, tarSizeBytes } = await measure(snapshotter.upperDir(key), step.late?.(), build.signal);
    const chainId: ChainId = chainIdOf(parent, diffId);
    if (snapshotter.has(chainId)) await snapshotter.remove(key);
    else await snapshotter.commit(key, { chainId, diffId, sizeBytes, tarSizeBytes, ...(parent && { parent }) });
    return { diffId, sizeBytes, chain: [...state.chain, chainId] };
  } catch (error) {
    await snapshotter.remove(key);
    throw error;
  }
}

/** What a layer amounts to, while the content of its large files arrives in it. */
async function measure(upper: string, late: LateCopies | undefined, signal: AbortSignal): Promise<Diffed> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const measured = diffLayer(upper, { signal: either, given: late?.files });
  const finished = late?.finish(upper, either);
  const both = [measured, finished].map((one) => one?.catch((error: unknown) => stop.abort(error)));
  await Promise.all(both);
  signal.throwIfAborted();
  stop.signal.throwIfAborted();
  return measured;
}
