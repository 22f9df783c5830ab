import { createHash } from 'node:crypto';
import { IechorError } from '../common/error.ts';
import { isUnsendable } from '../context/patterns.ts';
import { didYouMean } from '../common/nearest.ts';
import type { ChainId } from '../image/types.ts';
import type { StepContext } from './build-context.ts';
import { changedFile } from './files/changed.ts';
import { type Fingerprint, hashContent } from './files/content-hash.ts';
import { type PlannedSource, planCopy, SourceMissing } from './files/plan-copy.ts';
import { ownedByRoot, plainView, type SourceView } from './files/source-view.ts';
import { sourceRef } from './graph.ts';
import { syntaxError } from './language/syntax-error.ts';

/** A tree that an instruction takes files from. `chainId` is set where it is an image's, so that it never changes. */
export interface Source {
  readonly view: SourceView;
  readonly chainId?: ChainId | '';
  /** To be awaited before the view is looked at. */
  readonly ready?: () => Promise<void>;
}

/** The context, or what `--from` names: a context of that name, a stage (waited for), else an image. */
export async function openSource(from: string | undefined, context: StepContext): Promise<Source> {
  const { build, node, instruction } = context;
  if (from === undefined || from === '') return { view: build.context };
  const ref = sourceRef(from, build.graph, node, instruction);
  if ('scratch' in ref) return { view: plainView(build.scratch.viewOf(undefined)), chainId: '' };
  if ('context' in ref) {
    const given = build.request.contexts?.[ref.context];
    if (given?.dir !== undefined) return { view: ownedByRoot(plainView(given.dir)) };
    return viewOfChain((await imageSource(given?.image ?? ref.context, context)).chain, context);
  }
  if ('image' in ref) return viewOfChain((await imageSource(ref.image, context)).chain, context);
  return viewOfChain((await build.stage(ref.stage)).chain, context);
}

function viewOfChain(chain: readonly ChainId[], { build }: StepContext): Source {
  const chainId = chain.at(-1);
  let view: SourceView | undefined;
  return {
    get view() {
      view ??= plainView(build.scratch.viewOf(chainId));
      return view;
    },
    chainId: chainId ?? '',
    ready: () => build.caches.current.bring(chain),
  };
}

async function imageSource(reference: string, context: StepContext) {
  const { build, instruction } = context;
  try {
    const { pull = false, logins } = build.request;
    return await build.parts.bases.resolve(reference, { pull, logins, signal: build.signal });
  } catch (error) {
    const names = build.graph.nodes.flatMap((node) => node.stage.name ?? []);
    const hint = didYouMean(reference, names);
    if (hint === undefined) throw error;
    throw syntaxError(`there is neither a stage nor an image ${JSON.stringify(reference)}`, {
      ...instruction,
      hint,
      cause: error,
    });
  }
}

export interface Taken {
  /** Read when first needed: a cached step of an unchanged image never looks. */
  readonly plans: () => readonly (readonly PlannedSource[])[];
  readonly digest: string;
  readonly files: Fingerprint | undefined;
}

/** Content that patterns select from a source; of a `literal` path whatever it is called. Throws SourceMissing. */
export async function takeContent(
  source: Source,
  patterns: readonly string[],
  options: { exclude: readonly string[]; parents: boolean; literal?: boolean },
  context: StepContext,
): Promise<Taken> {
  const { cache, stepFiles } = context.build.parts;
  let made: PlannedSource[][] | undefined;
  const unsendable = source.chainId === undefined && patterns.find(isUnsendable);
  if (unsendable) throw new SourceMissing(unsendable, source.view);
  const plans = () => {
    made ??= patterns.map((pattern) => planCopy(source.view, pattern, options));
    return made;
  };
  const id = createHash('sha256')
    .update(
      JSON.stringify([
        source.chainId,
        patterns,
        options.exclude,
        options.parents,
        ...(options.literal ? ['unnamed'] : []),
      ]),
    )
    .digest('hex');
  const { current: shared } = context.build.caches;
  const known = source.chainId === undefined ? undefined : (cache.content(id) ?? shared.content(id));
  if (known !== undefined) shared.noteContent({ id, digest: known });
  if (known !== undefined) return { plans, digest: known, files: stepFiles.find(id) };
  await source.ready?.();
  const { memo, signal } = context.build;
  if (source.view === context.build.context) context.build.tally.took(plans().flat());
  const { digest, files } = await hashContent(plans().flat(), source.view, { memo, signal, unnamed: options.literal });
  if (source.chainId !== undefined) {
    cache.putContent({ id, chainId: source.chainId, digest });
    stepFiles.put(id, files);
    shared.noteContent({ id, digest });
  }
  return { plans, digest, files };
}

/** What was taken must be what was hashed, also when the context is a directory that someone works in. Throws BUILD_CONTEXT. */
export function refuseChanged(planned: readonly PlannedSource[], { build }: StepContext): void {
  const path = build.request.isLive ? changedFile(planned) : undefined;
  if (path === undefined) return;
  throw new IechorError('BUILD_CONTEXT', `${path} changed while it was being copied`, {
    hint: 'build again; nothing of this step was kept',
  });
}
