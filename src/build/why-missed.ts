import { createHash } from 'node:crypto';
import type { StepContext } from './build-context.ts';
import { changedParts, explainMiss, type FormerStep, type KeyParts } from './cache-key.ts';
import type { Fingerprint } from './files/content-hash.ts';
import type { StageNode } from './graph.ts';
import { type StepRecord, stageOf } from './step-cache.ts';

/** A step about to be looked up. */
export interface StepNow {
  readonly key: string;
  /** With its variables expanded, and as it is written. */
  readonly instruction: string;
  readonly source: string;
  /** Hashed. */
  readonly parts: KeyParts;
  readonly files: Fingerprint | undefined;
}

/** Which step of which build it is, whatever it says: the stage of a build file, and the place in the stage. */
export function slotOf({ build, node, ordinal }: StepContext): string {
  const { request, graph } = build;
  const where = request.isLive ? request.contextDir : (request.tags?.[0] ?? '');
  const stage = createHash('sha256').update(JSON.stringify([where, graph.file.file, node.label]));
  return `${stage.digest('hex').slice(0, 24)}-${ordinal}`;
}

/** The earlier step of the stage that is most like this one. */
export function nearestStep(now: StepNow, context: StepContext): (FormerStep & StepRecord) | undefined {
  const { cache, stepFiles } = context.build.parts;
  const slot = slotOf(context);
  const likeness = (record: StepRecord): number =>
    (record.parts.parent === now.parts.parent ? 4 : 0) +
    (record.instruction === now.instruction || record.source === now.source ? 2 : 0) +
    (record.slot === slot ? 1 : 0) -
    changedParts(record.parts, now.parts).length / 1000;
  let nearest: StepRecord | undefined;
  // The latest are first: of those alike, the latest counts.
  for (const record of cache.ofStage(stageOf(slot))) {
    if (record.key === now.key || likeness(record) <= 0) continue;
    if (!nearest || likeness(record) > likeness(nearest)) nearest = record;
  }
  if (!nearest) return undefined;
  const files = stepFiles.find(nearest.key) ?? nearest.files;
  return { ...nearest, ...(files && { files }) };
}

/** Why a step is carried out, in words for people. */
export function whyMissed(now: StepNow, context: StepContext): string {
  const { build, node, state, instruction } = context;
  const { cache, snapshotter } = build.parts;
  if (build.request.noCache) return 'the build is without cache (--no-cache)';
  if (isNamed(node, build.request.noCacheStages)) return `the stage ${node.label} is without cache (--no-cache-filter)`;
  const same = cache.find(now.key);
  if (same?.chain.every((chainId) => snapshotter.has(chainId))) return 'a layer below it was made anew';
  if (same) return 'its layer is not there any more';
  const goneAt = cache.goneAt(now.key);
  if (goneAt !== undefined) return `it was removed from the cache at ${goneAt.slice(0, 16)}Z`;
  const [, name, sources] = /^(\S+)(?:\s+--\S+)*\s+(.+)\s+\S+$/s.exec(instruction.source) ?? [];
  const subject = name === undefined || name === 'RUN' ? instruction.name : `${name} ${sources}`;
  const isFirst = /^(sha256:|scratch$)/.test(state.stepKey);
  const base = isFirst ? `the base image ${'image' in node.base ? node.base.image : ''}`.trimEnd() : undefined;
  const others = node.stage.instructions.flatMap((other) => (other === instruction ? [] : other.source));
  const wasThere = cache
    .ofStage(stageOf(slotOf(context)))
    .some(({ source, parts }) => source === now.source && parts.parent !== now.parts.parent);
  return explainMiss(nearestStep(now, context), { ...now, subject, base, others, wasThere });
}

/** Whether `--no-cache-filter` names the stage. */
export function isNamed({ stage }: StageNode, names: readonly string[] | undefined): boolean {
  return names?.some((name) => name.toLowerCase() === stage.name) === true;
}
