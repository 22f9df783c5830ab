import type { StepContext } from './build-context.ts';
import { changedParts, hashParts, type KeyParts, rulesVersion } from './cache-key.ts';
import { fileChanges } from './file-changes.ts';
import type { StepDerivation } from './events.ts';
import { stepOf } from './report.ts';
import { nearestStep, type StepNow } from './why-missed.ts';

/** Parts whose value is a hash over what `files` lists. */
const hashedOnly: ReadonlySet<string> = new Set(['content', 'mounts']);

/** Tells how the key of a step comes about, where the build was asked to explain itself. No secret is a part of a key. */
export function explainStep(
  { now, parts, reason }: { readonly now: StepNow; readonly parts: KeyParts; readonly reason?: string | undefined },
  status: StepDerivation['status'],
  context: StepContext,
): void {
  const { build } = context;
  if (!build.request.explain) return;
  const digests = hashParts(parts);
  const { step, stage, instruction, at = '' } = stepOf(context, 'begun');
  build.emit({
    stream: '',
    derivation: {
      ...{ step, stage, instruction, at, key: now.key, status, rules: rulesVersion },
      parts: Object.entries(parts).map(([name, value]) => ({
        name,
        digest: digests[name] ?? '',
        ...(!hashedOnly.has(name) && { value }),
      })),
      files: now.files ?? {},
      ...(reason !== undefined && { reason }),
      ...(status === 'missed' && nearest(now, context)),
    },
  });
}

function nearest(now: StepNow, context: StepContext): Pick<StepDerivation, 'nearest'> {
  const former = nearestStep(now, context);
  if (!former) return {};
  const { key, instruction, source = instruction, createdAt, parts, files } = former;
  return {
    nearest: {
      ...{ key, instruction: source, createdAt },
      parts: changedParts(parts, now.parts).map((name) => ({
        name,
        ...(parts[name] !== undefined && { before: parts[name] }),
        ...(now.parts[name] !== undefined && { now: now.parts[name] }),
      })),
      files: files && now.files ? fileChanges(files, now.files) : [],
    },
  };
}
