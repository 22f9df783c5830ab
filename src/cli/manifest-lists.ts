import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import type { Member } from '../registry/manifest-lists.ts';
import { registryAccess } from './registry-access.ts';

/** Lists of images that are being made, as files of the user (XDG_STATE_HOME/iechor/manifests). */
export interface Draft {
  readonly name: string;
  readonly members: readonly Member[];
}

async function canonical(text: string): Promise<string> {
  const [{ canonicalName }, { setDefaultRegistry }] = await Promise.all([
    import('../registry/manifest-lists.ts'),
    import('../registry/names.ts'),
  ]);
  setDefaultRegistry(process.env.IECHOR_DEFAULT_REGISTRY);
  return canonicalName(text);
}

const directory = (): string =>
  join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'iechor', 'manifests');
const pathOf = (name: string): string => join(directory(), `${encodeURIComponent(name)}.json`);

/** Undefined where there is none. */
export async function readDraft(text: string): Promise<Draft | undefined> {
  try {
    return JSON.parse(readFileSync(pathOf(await canonical(text)), 'utf8')) as Draft;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Throws NOT_FOUND. */
export async function getDraft(text: string): Promise<Draft> {
  const draft = await readDraft(text);
  if (draft) return draft;
  throw new IechorError('NOT_FOUND', `No such manifest: ${text}`, {
    hint: `begin it: iechor manifest create ${text} IMAGE`,
  });
}

export async function writeDraft(text: string, members: readonly Member[]): Promise<string> {
  const name = await canonical(text);
  mkdirSync(directory(), { recursive: true, mode: 0o700 });
  const path = pathOf(name);
  writeFileSync(`${path}.part`, JSON.stringify({ name, members } satisfies Draft), { mode: 0o600 });
  renameSync(`${path}.part`, path);
  return name;
}

/** Throws NOT_FOUND. */
export async function removeDraft(text: string): Promise<void> {
  rmSync(pathOf((await getDraft(text)).name), { force: true });
}

interface Options {
  readonly configuration: string | undefined;
  /** Plain text and any certificate will do. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

export async function membersFrom(image: string, options: Options): Promise<Member[]> {
  const { membersOf } = await import('../registry/manifest-lists.ts');
  return membersOf(image, await registryAccess(image, options));
}

export async function readManifest(image: string, options: Options) {
  const { readFromRegistry } = await import('../registry/manifest-lists.ts');
  return readFromRegistry(image, await registryAccess(image, options));
}

export async function pushDraft({ name, members }: Draft, options: Options): Promise<string> {
  const { pushList } = await import('../registry/manifest-lists.ts');
  return pushList(name, members, await registryAccess(name, options));
}

/** What a list is pushed as. */
export async function mediaTypeOf({ members }: Draft): Promise<string> {
  return (await import('../registry/manifest-lists.ts')).mediaTypeOf(members);
}

/** One image as Docker's client shows it, so that programs find its fields. */
export function described(
  Ref: string,
  { content, digest, mediaType, platform }: Awaited<ReturnType<typeof readManifest>>,
) {
  const Descriptor = { mediaType, digest, size: content.length, ...(platform && { platform }) };
  const field = mediaType.startsWith('application/vnd.docker.') ? 'SchemaV2Manifest' : 'OCIManifest';
  return { Ref, Descriptor, Raw: content.toString('base64'), [field]: JSON.parse(content.toString()) as unknown };
}

/** The member of a list that an image's name stands for, as it was named or by its digest. Throws NOT_FOUND. */
export async function memberIn({ members, name }: Draft, image: string): Promise<Member> {
  const wanted = await canonical(image);
  const found = members.find((member) => member.name === wanted || member.reference === wanted);
  if (found) return found;
  throw new IechorError('NOT_FOUND', `manifest for image ${image} does not exist in ${name}`);
}

/** What a member is replaced by: an image of the same name, or the same manifest of an index. */
export const keyOf = ({ name, reference }: Member): string => name ?? reference;
