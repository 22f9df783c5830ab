import { IechorError } from '../common/error.ts';
import { shortId } from '../common/id.ts';
import type { ImageStore, Removed, RemoveOptions } from '../image/image-port.ts';
import { imageForPlatform } from '../image/platform.ts';
import { familiar, formatReference, parseReference } from '../image/reference.ts';
import type { ImageRecord } from '../image/types.ts';

type PlatformObject = Readonly<Record<string, unknown>>;

/** OCI's object as `os/architecture[/variant]`. Throws BAD_REQUEST where it lacks one. */
export function platformText(platform: PlatformObject | undefined): string | undefined {
  if (!platform) return undefined;
  const { os, architecture, variant } = platform;
  if (typeof os === 'string' && os !== '' && typeof architecture === 'string' && architecture !== '') {
    return [os, architecture, ...(typeof variant === 'string' && variant !== '' ? [variant] : [])].join('/');
  }
  throw new IechorError('BAD_REQUEST', 'both OS and Architecture must be provided', {
    hint: '{"os":"linux","architecture":"amd64"}',
  });
}

/** The image that a name stands for, of several that for `platform`. Throws IMAGE_NOT_FOUND. */
export function imageFor(images: ImageStore, name: string, platform: PlatformObject | undefined): ImageRecord {
  return imageForPlatform(images.platformsOf(name), name, platformText(platform));
}

/**
 * Takes the images for these platforms (OCI's objects as JSON) from a name that stands for several, and removes those
 * that nothing else keeps. Undefined where the name stands for no other: it goes as a whole. Throws IMAGE_NOT_FOUND,
 * BAD_REQUEST, and IN_USE before anything is changed.
 */
export async function removePlatforms(
  images: ImageStore,
  name: string,
  { platforms, ...options }: RemoveOptions & { readonly platforms: readonly string[] },
): Promise<Removed | undefined> {
  const all = images.platformsOf(name);
  const going = new Set(platforms.map((text) => imageForPlatform(all, name, platformText(platformOf(text)))));
  const [first, ...others] = all.filter((image) => !going.has(image));
  if (first === undefined) return undefined;
  for (const image of going) refuseUsed(image, options);
  images.tag(first.id, formatReference(parseReference(name)), { others: others.map(({ id }) => id), like: name });
  const removed: Removed[] = [];
  for (const { id } of going) {
    if (images.tagsOf(id).length === 0) removed.push(await images.remove(id, { ...options, force: true }));
  }
  return {
    untagged: [...(removed.length === 0 ? [familiar(formatReference(parseReference(name)))] : [])],
    deleted: removed.flatMap(({ deleted }) => deleted),
    freedBytes: removed.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
  };
}

function refuseUsed({ id }: ImageRecord, { usersOf, force }: RemoveOptions): void {
  const { running, stopped } = usersOf(id);
  const user = running ?? (force ? undefined : stopped);
  if (user === undefined) return;
  const can = running === undefined ? 'must be forced' : 'cannot be forced';
  throw new IechorError('IN_USE', `conflict: unable to delete ${shortId(id)} (${can}) - container ${user} uses it`, {
    hint: `remove the container first: iechor rm ${running === undefined ? '' : '-f '}${user}`,
  });
}

function platformOf(text: string): PlatformObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as PlatformObject;
  } catch {
    // Told below.
  }
  throw new IechorError('BAD_REQUEST', `invalid platform ${JSON.stringify(text)}`, {
    hint: '{"os":"linux","architecture":"amd64"}',
  });
}
