import type { BaseImages } from '../build/ports.ts';
import { IechorError } from '../common/error.ts';
import type { ImageStore } from '../image/image-port.ts';

/** Base images for builds: those of the store. A pull is asked for where there is none, or where one is wanted anew. */
export function createBaseImages(options: {
  readonly images: ImageStore;
  readonly pull: (reference: string, options: { platform?: string; signal?: AbortSignal }) => Promise<void>;
}): BaseImages {
  const { images, pull } = options;
  return {
    async resolve(reference, { pull: always, ...given }) {
      if (always || !images.find(reference)) await pull(reference, given);
      const found = images.find(reference);
      if (!found) throw new IechorError('IMAGE_NOT_FOUND', `No such image: ${reference}`);
      return { id: found.id, chain: found.chain, config: found.config };
    },
  };
}
