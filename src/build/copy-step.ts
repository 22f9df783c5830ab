import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { messageOf } from '../common/error.ts';
import { unpackIfArchive } from './add-archive.ts';
import { downloadSource, isGitSource, isRemoteSource } from './add-remote.ts';
import type { StepContext } from './build-context.ts';
import type { Download } from './download.ts';
import { type Chmod, parseChmod } from './files/chmod.ts';
import type { Fingerprint } from './files/content-hash.ts';
import { CopyRefused, type CopyTarget, copySource, writeInline } from './files/copy-tree.ts';
import { createLateCopies, type LateCopies } from './files/late-copies.ts';
import { PatternMalformed, type PlannedSource, SourceMissing } from './files/plan-copy.ts';
import { findOwner, isNumericOwner, type Owner } from './files/users.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { expandIn } from './metadata.ts';
import { type LayerStep, solveLayer } from './solve-step.ts';
import { openSource, refuseChanged, type Source, takeContent } from './sources.ts';

type CopyInstruction = InstructionOf<'COPY'> | InstructionOf<'ADD'>;

/** COPY or ADD with its variables expanded. */
interface Expanded {
  readonly sources: readonly string[];
  readonly remote: readonly string[];
  readonly inline: readonly { readonly name: string; readonly content: string }[];
  readonly destination: string;
  readonly chown: string;
  readonly chmod: Chmod | undefined;
  readonly chmodText: string;
  readonly exclude: readonly string[];
  readonly parents: boolean;
  readonly unpack: boolean;
}

/** COPY and ADD: files from the context, a stage, an image, the network or the file itself, as one layer. */
export async function solveCopy(instruction: CopyInstruction, context: StepContext): Promise<void> {
  const copy = expandCopy(instruction, context);
  const from = instruction.name === 'COPY' ? instruction.from : undefined;
  if (from !== undefined && expandIn(context, from, () => undefined) !== from) {
    throw syntaxError('--from takes no variables', {
      ...instruction,
      hint: 'Define a stage with FROM and the variable, and name the stage here.',
    });
  }
  try {
    const source = await openSource(from, context);
    const options = { exclude: copy.exclude, parents: copy.parents };
    const taken = await takeContent(source, copy.sources, options, context);
    const downloads = await Promise.all(copy.remote.map((url) => downloadSource(url, instruction, context)));
    let late: LateCopies | undefined;
    const matched = source.chainId === undefined && !copy.parents ? taken.plans().map(nameOfOnly) : [];
    const { createdBy, canonical, keyed } = describe(instruction, copy, { from, matched });
    const step: LayerStep = {
      canonical,
      parts: {
        instruction: keyed,
        content: JSON.stringify([taken.digest, copy.inline, downloads.map((file) => file.digest)]),
      },
      files: { ...taken.files, ...furtherFiles(copy, downloads) },
      createdBy,
      late: () => late,
      execute: async (root) => {
        await source.ready?.();
        const check = () => {
          if (source.view === context.build.context) refuseChanged(taken.plans().flat(), context);
        };
        late = mayBeLate(instruction, context) ? createLateCopies(root, check) : undefined;
        const target = { ...(await targetIn(root, copy, source, context)), late };
        for (const planned of taken.plans().flat()) await place(planned, target, copy.unpack);
        check();
        const unpack = instruction.name === 'ADD' && instruction.unpack === true;
        for (const planned of (await Promise.all(downloads.map((file) => file.open()))).flat()) {
          await place(planned, target, unpack);
        }
        for (const inline of copy.inline) {
          await writeInline(inline, target, (path, content) => writeFile(path, content, { flag: 'wx' }));
        }
      },
    };
    await solveLayer(step, context);
  } catch (error) {
    if (![SourceMissing, CopyRefused, PatternMalformed].some((kind) => error instanceof kind)) throw error;
    const hint = error instanceof SourceMissing ? missingHint(from) : undefined;
    throw syntaxError(messageOf(error), { ...instruction, code: 'BUILD_FAILED', hint, cause: error });
  }
}

/** Nothing but plain copies writes to the root, and no times are changed afterwards. */
function mayBeLate({ name, inline }: CopyInstruction, { build }: StepContext): boolean {
  return name === 'COPY' && inline.length === 0 && build.epoch === undefined;
}

/** What comes from elsewhere than the source, by address or name, as a fingerprint has files. */
function furtherFiles(copy: Expanded, downloads: readonly Download[]): Fingerprint {
  const addresses = downloads.map(({ digest }, at) => [copy.remote[at] ?? '', `download ${digest}`] as const);
  const texts = copy.inline.map(({ name, content }) => {
    return [`<<${name}`, `heredoc ${createHash('sha256').update(content).digest('hex')}`] as const;
  });
  return Object.fromEntries([...addresses, ...texts]);
}

function missingHint(from: string | undefined): string {
  if (from !== undefined) return `Paths of --from count from its root directory.`;
  return 'Paths count from the root of the build context; an ignore file may leave it out.';
}

async function place(planned: PlannedSource, target: CopyTarget, unpack: boolean): Promise<void> {
  const only = planned.entries[0];
  if (unpack && only?.stat.isFile() && (await unpackIfArchive(only.from, target))) return;
  await copySource(planned, target);
}

async function targetIn(root: string, copy: Expanded, source: Source, context: StepContext): Promise<CopyTarget> {
  return {
    root,
    destination: copy.destination,
    owner: copy.chown === '' ? undefined : ownerIn(root, copy.chown, context),
    chmod: copy.chmod,
    ownedByRoot: source.view.ownedByRoot,
    signal: context.build.signal,
  };
}

/** Owner by number or by the names the image knows; what it does not know is root, with a warning. */
export function ownerIn(root: string, text: string, context: StepContext): Owner {
  const { build, state, instruction } = context;
  if (state.chain.length === 0 && !text.split(':').every((part) => part === 'root' || isNumericOwner(part))) {
    throw syntaxError(`${JSON.stringify(text)} can not be looked up: the image has no files yet`, {
      ...instruction,
      code: 'BUILD_FAILED',
      hint: 'Use numbers, such as 1000:1000.',
    });
  }
  const { uid, gid, unknown } = findOwner(root, text);
  for (const name of unknown) {
    build.emit({ stream: `WARNING: the image knows no user or group ${JSON.stringify(name)}; root is used\n` });
  }
  return { uid, gid };
}

function expandCopy(instruction: CopyInstruction, context: StepContext): Expanded {
  const word = (text: string) => expandIn(context, text);
  const isAdd = instruction.name === 'ADD';
  const chmodText = word(instruction.chmod ?? '');
  const chmod = chmodText === '' ? undefined : parseChmod(chmodText);
  if (chmodText !== '' && !chmod) {
    throw syntaxError(`invalid mode ${JSON.stringify(chmodText)}`, {
      ...instruction,
      hint: '--chmod takes octal digits up to 7777 or a symbolic mode such as u=rwX,go=rX.',
    });
  }
  const all = instruction.sources.map(word);
  const remote = all.filter((source) => isRemoteSource(source) || isGitSource(source));
  if (!isAdd && remote.length > 0) {
    throw syntaxError(`COPY takes no URL: ${remote[0]}`, { ...instruction, hint: 'Use ADD.' });
  }
  if (isAdd && instruction.checksum !== undefined && (all.length !== 1 || remote.length !== 1)) {
    throw syntaxError('--checksum needs exactly one source, from HTTP(S) or git', instruction);
  }
  return {
    sources: all.filter((source) => !remote.includes(source)),
    remote,
    inline: instruction.inline.map(({ name, content, expand }) => ({
      name,
      content: expand ? expandBody(content, context) : content,
    })),
    destination: destinationIn(word(instruction.destination), context),
    chown: word(instruction.chown ?? ''),
    chmod,
    chmodText,
    exclude: instruction.exclude,
    parents: instruction.name === 'COPY' && instruction.parents,
    unpack: isAdd && instruction.unpack !== false,
  };
}

/** Quotes in a heredoc's body are text. */
function expandBody(content: string, context: StepContext): string {
  return expandIn(context, content, undefined, true);
}

/** Absolute, and still telling by a slash at its end that it is a directory. */
function destinationIn(text: string, context: StepContext): string {
  const workdir = context.state.config.WorkingDir || '/';
  const path = posix.join('/', text.startsWith('/') ? '' : workdir, text);
  const isDirectory = text === '' || /(^|\/)\.?$/.test(text);
  return isDirectory && !path.endsWith('/') ? `${path}/` : path;
}

function describe(
  instruction: CopyInstruction,
  copy: Expanded,
  { from, matched }: { readonly from: string | undefined; readonly matched: readonly (string | undefined)[] },
): { createdBy: string; canonical: string; keyed: string } {
  const flags = [
    copy.parents && '--parents',
    copy.chown !== '' && `--chown=${copy.chown}`,
    copy.chmodText !== '' && `--chmod=${copy.chmodText}`,
  ].filter((flag) => flag !== false);
  const inline = copy.inline.map((heredoc) => `<<${heredoc.name}`);
  const raw = instruction.destination;
  const words = [instruction.name, ...flags, ...copy.sources, ...copy.remote, ...inline, raw];
  const exclude = copy.exclude.map((pattern) => `--exclude=${pattern}`);
  const unpack =
    instruction.name === 'ADD' && instruction.unpack !== undefined ? [`--unpack=${instruction.unpack}`] : [];
  const before = [...copy.remote, ...inline, copy.destination];
  const after = [...exclude, ...unpack];
  const keyedAfter = copy.remote.length > 0 ? after : exclude;
  return {
    createdBy: `${words.join(' ')} # buildkit`,
    canonical: JSON.stringify([
      ...[instruction.name, ...flags, ...copy.sources, ...before],
      ...(from ? [`--from=${from}`] : []),
      ...after,
    ]),
    keyed: JSON.stringify([
      keyedName(copy),
      ...keyedFlags(copy),
      ...keyedSources(copy, matched),
      ...before,
      ...keyedAfter,
    ]),
  };
}

/** ADD does what COPY does where there is nothing to fetch or to unpack. */
const keyedName = ({ sources, remote, unpack }: Expanded): string =>
  remote.length > 0 || (unpack && sources.length > 0) ? 'ADD' : 'COPY';

/** Of the same owner and mode, however they are written. */
function keyedFlags({ parents, chown, chmodText }: Expanded): string[] {
  const owner = chown.split(':').map((part) => (part === 'root' ? '0' : part));
  const mode = /^[0-7]+$/.test(chmodText) ? Number.parseInt(chmodText, 8).toString(8) : chmodText;
  return [parents ? '--parents' : '', `--chown=${owner.join(':')}`, `--chmod=${mode}`];
}

/** A pattern that one file matches stands for that. */
const nameOfOnly = ([only, ...others]: readonly PlannedSource[]): string | undefined =>
  others.length > 0 ? undefined : only?.name;

/** What files are called decides the result, not where they are: that is in the content. */
function keyedSources({ parents, sources }: Expanded, matched: readonly (string | undefined)[]): readonly string[] {
  return parents ? sources : sources.map((source, at) => matched[at] ?? posix.basename(posix.join('/', source)));
}
