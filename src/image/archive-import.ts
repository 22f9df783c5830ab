import type { Readable } from 'node:stream';
import { applyChanges } from './changes.ts';
import type { ImageStore } from './image-port.ts';
import { parsePlatform } from './platform.ts';
import { parseReference } from './reference.ts';
import type { ImageRecord } from './types.ts';

export interface ImportOptions {
  readonly images: ImageStore;
  /** Name of the image; none: it is known by its id. */
  readonly reference?: string | undefined;
  readonly message?: string | undefined;
  /** Instructions such as `CMD ["sh"]`, see `applyChanges`. */
  readonly changes?: readonly string[] | undefined;
  /** `os/architecture[/variant]`, default this machine's. */
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes an image of one layer from the tar archive of a root file system. Arguments are checked before it is read. */
export async function importImage(tar: Readable, options: ImportOptions): Promise<ImageRecord> {
  const { images, reference, message, changes = [], signal } = options;
  if (reference !== undefined) parseReference(reference);
  const config = applyChanges({}, changes);
  const platform = parsePlatform(options.platform);
  const release = images.hold();
  try {
    const layer = await images.addRootfs(tar, { signal });
    const created = new Date().toISOString();
    const image = await images.create(
      {
        created,
        ...platform,
        config,
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
        history: [{ created, comment: message ?? 'Imported from -' }],
      },
      [layer.chainId],
    );
    if (reference !== undefined) images.tag(image.id, reference);
    return image;
  } finally {
    release();
  }
}
