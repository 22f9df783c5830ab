import { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import type { EngineApi } from './engine-api.ts';
import type { ByteStream } from './streams.ts';
import type { ImageInspect } from './types/image.ts';

/** The files of an image for a platform, as an archive. */
export interface PlatformFiles {
  readonly platform: string;
  readonly open: () => Promise<ByteStream>;
}

/**
 * The files of images, one for each platform; `isSplit`: below a directory named after it (`linux_arm64`), by default
 * where there are several.
 */
export async function filesOf(
  engine: Pick<EngineApi, 'imageInspect' | 'imageTree'>,
  images: readonly { readonly id: string; readonly platform?: string | undefined }[],
  options: { readonly isSplit: boolean | undefined; readonly signal: AbortSignal },
): Promise<readonly PlatformFiles[]> {
  const { isSplit = images.length > 1, signal } = options;
  // In the order of their names, whatever order they were built or returned in.
  const sorted = images.toSorted((a, b) => ((a.platform ?? '') < (b.platform ?? '') ? -1 : 1));
  return Promise.all(
    sorted.map(async ({ id, platform: given }) => {
      const platform = given || (isSplit ? platformOf(await engine.imageInspect({ name: id, signal })) : '');
      const folder = isSplit ? platform.replaceAll('/', '_') : undefined;
      return { platform, open: () => engine.imageTree({ name: id, folder, signal }) };
    }),
  );
}

const platformOf = ({ Os, Architecture, Variant }: ImageInspect): string =>
  [Os, Architecture, Variant].filter(Boolean).join('/');

/** The two empty blocks at the end of a tar archive. */
const endBytes = 1024;

/** Archives that end with two empty blocks and nothing else as one, each opened when the one before it has been read. */
export function joinArchives(opens: readonly PlatformFiles['open'][]): Readable {
  return Readable.from(joined(opens), { objectMode: true, highWaterMark: 2 });
}

async function* joined(opens: readonly PlatformFiles['open'][]): AsyncGenerator<Buffer> {
  for (const [index, open] of opens.entries()) {
    const isLast = index === opens.length - 1;
    let held = Buffer.alloc(0);
    for await (const chunk of (await open()) as AsyncIterable<Buffer>) {
      if (isLast) {
        yield chunk;
        continue;
      }
      const all = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const cut = Math.max(0, all.length - endBytes);
      held = Buffer.from(all.subarray(cut));
      if (cut > 0) yield all.subarray(0, cut);
    }
  }
}

/** Notes the files that each platform has in a directory for all, and throws BUILD_FAILED where two have the same. */
export function createOverlapCheck(): (
  platform: string,
  entry: { readonly name: string; readonly type?: unknown },
) => void {
  const owners = new Map<string, string>();
  return (platform, { name, type }) => {
    if (type === 'directory') return;
    const owner = owners.get(name);
    if (owner !== undefined) {
      const message = `cannot overwrite ${name} from ${owner} with ${platform} when split option is disabled`;
      throw new IechorError('BUILD_FAILED', message, { hint: 'leave platform-split=false out' });
    }
    owners.set(name, platform);
  };
}
