import { IechorError } from '../common/error.ts';
import { isDigest } from './digest.ts';
import { parsePlatform } from './platform.ts';
import type { Descriptor, ImageConfig } from './types.ts';

/** Largest config, manifest or index that is read. */
export const maxDocumentBytes = 4 * 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a JSON object. Throws ARCHIVE_INVALID, naming `what`. */
export function parseDocument(content: Uint8Array, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content).toString('utf8'));
  } catch (cause) {
    throw new IechorError('ARCHIVE_INVALID', `${what} is not JSON`, { cause });
  }
  if (isFields(value)) return value;
  throw new IechorError('ARCHIVE_INVALID', `${what} is not a JSON object`);
}

/** Checks what we rely on of an image's config: platform and diff ids. Throws ARCHIVE_INVALID. */
export function parseImageConfig(content: Uint8Array, layerCount: number): ImageConfig {
  // Very old images name no platform: they are of the machine they were made for.
  const document = { ...parsePlatform(), ...parseDocument(content, 'the config of the image') } as Fields;
  const refuse = (reason: string): never => {
    throw new IechorError('ARCHIVE_INVALID', `the config of the image is invalid: ${reason}`);
  };
  const { rootfs, config } = document;
  if (typeof document.architecture !== 'string' || typeof document.os !== 'string') refuse('it names no platform');
  if (document.os !== 'linux') refuse(`it is for ${JSON.stringify(document.os)}, not linux`);
  // Go writes a list of nothing as null.
  const diffIds = isFields(rootfs) && rootfs.type === 'layers' ? (rootfs.diff_ids ?? []) : undefined;
  if (!Array.isArray(diffIds)) return refuse('it lists no layers');
  if (!diffIds.every(isDigest)) refuse('a diff id is not a digest');
  if (diffIds.length !== layerCount) refuse(`it lists ${diffIds.length} layers, there are ${layerCount}`);
  if (config !== undefined && config !== null && !isFields(config)) refuse('its run configuration is no object');
  return { ...document, rootfs: { ...(rootfs as Fields), diff_ids: diffIds } } as unknown as ImageConfig;
}

/** Checks a descriptor before its digest names anything. Throws ARCHIVE_INVALID. */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  if (isFields(value) && isDigest(value.digest) && typeof value.mediaType === 'string') {
    const { size } = value;
    if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return value as unknown as Descriptor;
  }
  throw new IechorError('ARCHIVE_INVALID', `the descriptor of ${what} is invalid`);
}
