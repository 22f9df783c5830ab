import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { ImageAnnotations, ProgressMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { createOverlapCheck, filesOf, joinArchives } from '../api/platform-files.ts';
import { unpackInto } from './copy-from-container.ts';
import { printTransfer } from './print-transfer.ts';
import { splitTag } from './split-tag.ts';
import { checkOutput, writeArchive } from './write-archive.ts';

/** What becomes of a build's result, beside that it is an image of the engine. */
export interface BuildOutput {
  readonly type: 'image' | 'local' | 'tar' | 'oci' | 'docker' | 'cacheonly';
  /** File or directory; undefined: standard output. */
  readonly dest?: string;
  readonly push: boolean;
  /** The result is written, to `dest` or to standard output: not kept by the engine. */
  readonly isWritten: boolean;
  /** How layers of an image layout are packed: `compression`, `compression-level`, `force-compression`. */
  readonly packing: Readonly<Record<string, string>>;
  /** `annotation.KEY=VALUE` and `annotation-PLACE.KEY=VALUE`, as `--annotation` has them. */
  readonly annotations: readonly string[];
  /** Names of the image, beside those of `--tag`. */
  readonly names: readonly string[];
  /** Whether the layout is an archive (true) or a directory. */
  readonly isArchive: boolean;
  /** Whether each platform's files get a directory of their own; undefined: where there are several. */
  readonly isSplit?: boolean;
}

type Draft = { -readonly [K in keyof BuildOutput]: BuildOutput[K] };
const types = ['image', 'local', 'tar', 'oci', 'docker', 'cacheonly'] as const;

/** Reads `--output`, `--load` and `--push`: `type=local,dest=DIR`, a directory, or `-`. Throws USAGE. */
export function readOutputs(
  given: readonly string[] | undefined,
  options: { readonly load?: boolean; readonly push?: boolean },
): readonly BuildOutput[] {
  const outputs: BuildOutput[] = (given ?? []).map((text) => readOutput(text, options.push === true));
  if (options.push && outputs.some(({ type }) => type !== 'image')) {
    throw usage('push and another output cannot be used together', 'write -o type=image,push=true');
  }
  if (options.load) outputs.push(plain);
  if (options.push) {
    const [names, annotations] = [outputs.flatMap((one) => one.names), outputs.flatMap((one) => one.annotations)];
    const packing = Object.assign({}, ...outputs.map((one) => one.packing)) as BuildOutput['packing'];
    return [{ ...plain, names, annotations, packing, push: true }];
  }
  for (const { dest } of outputs.filter(writesArchive)) checkOutput(dest);
  return outputs;
}

const writesArchive = ({ type, dest, isArchive }: BuildOutput): boolean =>
  type === 'tar' || (isArchive && (type === 'oci' || (type === 'docker' && dest !== undefined)));

function readOutput(text: string, pushes: boolean): BuildOutput {
  const draft: Draft = { ...plain };
  if (!text.includes('=')) {
    const written = { ...draft, isWritten: true };
    return text === '-' ? { ...written, type: 'tar' } : { ...written, type: 'local', dest: text };
  }
  let typed = false;
  for (const field of text.split(',')) {
    const at = field.indexOf('=');
    const [key, value] = [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)];
    const read = at > 0 && Object.hasOwn(fields, key) ? fields[key] : undefined;
    const annotation = /^annotation(?:-([a-z-]+))?\.(.+)$/i.exec(field.slice(0, at).trim());
    if (annotation) draft.annotations = [...draft.annotations, annotationOf(annotation, value)];
    else if (!read) throw usage(`the output option ${JSON.stringify(field)} is not supported`, `of ${text}`);
    else read(draft, value);
    typed ||= key === 'type';
  }
  if (!typed) throw usage(`the output ${JSON.stringify(text)} has no type`, `type=${types.join(', type=')}`);
  if (draft.type === 'local' && draft.dest === undefined) throw usage('a local output needs dest', 'dest=DIRECTORY');
  const [packed] = Object.keys(draft.packing);
  const isPushed = draft.type === 'image' && (draft.push || pushes);
  if (packed !== undefined && draft.type !== 'oci' && !isPushed)
    throw usage(
      `${packed} is not for an output of type=${draft.type}`,
      'it is for type=oci, and for type=image with push=true',
    );
  if (draft.isSplit !== undefined && draft.type !== 'local')
    throw usage(`platform-split is not for an output of type=${draft.type}`, 'it is for type=local');
  draft.isWritten ||= draft.type === 'local' || draft.type === 'tar' || draft.type === 'oci';
  return draft;
}

const plain: BuildOutput = {
  ...{ type: 'image', push: false, isArchive: true, isWritten: false },
  ...{ names: [], packing: {}, annotations: [] },
};

const annotationOf = ([, place, key]: RegExpExecArray, value: string): string =>
  `${place ? `${place}:` : ''}${key}=${value}`;

const packs =
  (name: string) =>
  (draft: Draft, value: string): void => {
    draft.packing = { ...draft.packing, [name]: value };
  };

const fields: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  type(draft, value) {
    const type = value === 'registry' ? 'image' : types.find((known) => known === value);
    if (!type)
      throw usage(`there is no output of type ${JSON.stringify(value)}`, `known: ${types.join(', ')}, registry`);
    draft.type = type;
    if (value === 'registry') draft.push = true;
  },
  dest(draft, value) {
    if (value !== '-') draft.dest = value;
    draft.isWritten = true;
  },
  push(draft, value) {
    draft.push = boolean(value);
  },
  name(draft, value) {
    draft.names = [...draft.names, value];
  },
  tar(draft, value) {
    draft.isArchive = boolean(value);
  },
  'platform-split'(draft, value) {
    draft.isSplit = boolean(value);
  },
  compression(draft, value) {
    if (!['gzip', 'zstd', 'uncompressed'].includes(value))
      throw usage(`compression=${value} is not supported`, 'gzip, zstd or uncompressed');
    packs('compression')(draft, value);
  },
  'compression-level': packs('compression-level'),
  'force-compression'(draft, value) {
    packs('force-compression')(draft, String(boolean(value)));
  },
  // What holds anyway: OCI's media types, and times no later than SOURCE_DATE_EPOCH.
  'oci-mediatypes'(_draft, value) {
    if (!boolean(value)) throw usage("the output is in OCI's media types", 'leave oci-mediatypes out');
  },
  'rewrite-timestamp'(_draft, value) {
    if (!boolean(value)) throw usage('SOURCE_DATE_EPOCH always holds for the files too', 'leave rewrite-timestamp out');
  },
};

function boolean(value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw usage(`${JSON.stringify(value)} is neither true nor false`);
}

const usage = (message: string, hint?: string): IechorError => new IechorError('USAGE', message, { hint });

/** Whether the image itself is wanted, so that it keeps its names. */
export const wantsImage = (outputs: readonly BuildOutput[]): boolean =>
  outputs.length === 0 || outputs.some(({ type, isWritten }) => type === 'image' || (type === 'docker' && !isWritten));

/** What was built: images by their ids, one for each platform. */
export interface Delivery {
  readonly images: readonly { readonly id: string; readonly platform?: string | undefined }[];
  readonly tags: readonly string[];
  readonly annotations?: ImageAnnotations | undefined;
  readonly signal: AbortSignal;
}

/** Writes and pushes what was built. Images that nobody wanted but for their files go again. */
export async function deliverOutputs(
  engine: EngineApi,
  outputs: readonly BuildOutput[],
  delivery: Delivery,
): Promise<void> {
  const needless = wantsImage(outputs) ? [] : await nameless(engine, delivery);
  try {
    for (const output of outputs) await deliver(engine, output, delivery);
  } finally {
    // What was pushed is known by its digest in the registry, which is no name that somebody gave it.
    const removing = new AbortController().signal;
    for (const name of needless) await engine.imageRemove({ name, force: true, signal: removing });
  }
}

/** Ids of the images that have neither name nor digest: this build made them. */
async function nameless(engine: EngineApi, { images, signal }: Delivery): Promise<readonly string[]> {
  const inspected = await Promise.all(images.map(({ id }) => engine.imageInspect({ name: id, signal })));
  const isNameless = ({ RepoTags, RepoDigests }: (typeof inspected)[number]) =>
    (RepoTags ?? []).length === 0 && (RepoDigests ?? []).length === 0;
  return [...new Set(inspected.filter(isNameless).map(({ Id }) => Id))];
}

/** Platforms as `--platform` has them, none for the engine's own. */
export const platformsOf = (text = ''): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** What the last message of a build says of its images: one, or one for each platform. */
export function builtImages({ ID, Platforms }: NonNullable<ProgressMessage['aux']>): Delivery['images'] {
  if (Platforms) return Object.entries(Platforms).map(([platform, id]) => ({ id, platform }));
  return ID === undefined ? [] : [{ id: ID }];
}

/** Refuses outputs that cannot hold images of several platforms. Throws USAGE. */
export function checkPlatforms(outputs: readonly BuildOutput[], platforms: readonly string[]): void {
  const refused = outputs.find(({ type, isWritten }) => type === 'docker' && isWritten);
  if (platforms.length < 2 || !refused) return;
  throw usage(
    `an output of type=${refused.type} is for one platform`,
    'use -o type=oci, -o type=local, -o type=tar or --push',
  );
}

/** Writes the files of each platform, beside those of the others unless they are to lie together. */
async function deliverFiles(
  engine: EngineApi,
  { type, dest = '', isSplit }: BuildOutput,
  { images, signal }: Delivery,
): Promise<void> {
  const trees = await filesOf(engine, images, { isSplit, signal });
  if (type === 'tar') return writeArchive(joinArchives(trees.map(({ open }) => open)), dest || undefined);
  const check = createOverlapCheck();
  const root = makeDirectory(dest);
  for (const { platform, open } of trees) await unpackInto(root, await open(), (header) => check(platform, header));
}

const packingOf = (packing: BuildOutput['packing']) => (Object.keys(packing).length > 0 ? packing : undefined);

async function deliver(engine: EngineApi, output: BuildOutput, delivery: Delivery): Promise<void> {
  const { type, dest, isArchive, isWritten, packing } = output;
  const { images, tags, annotations, signal } = delivery;
  if (type === 'local' || type === 'tar') return deliverFiles(engine, output, delivery);
  const names = images.map(({ id }) => id);
  if (type === 'oci' || (type === 'docker' && isWritten)) {
    const layout = type === 'oci' ? { ...packing, ...(annotations && { annotations }) } : undefined;
    const archive = await engine.imagesGet({ names, tags, layout, signal });
    if (isArchive || dest === undefined) return writeArchive(archive, dest);
    return unpackInto(makeDirectory(dest), archive);
  }
  if (!output.push) return;
  if (tags.length === 0) throw usage('a name is needed to push the image', 'name it with -t');
  for (const tag of tags) {
    const { repo, tag: version = 'latest' } = splitTag(tag);
    const pushed = engine.imagePush({
      name: repo,
      tag: version,
      images: names,
      annotations,
      packing: packingOf(packing),
      signal,
    });
    await printTransfer(pushed, { sink: process.stderr });
  }
}

function makeDirectory(dest: string): string {
  const path = resolve(dest);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory()) throw usage(`${dest} is not a directory`);
  mkdirSync(path, { recursive: true });
  return path;
}
