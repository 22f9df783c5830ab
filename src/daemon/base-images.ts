import type { BaseImages } from '../build/ports.ts';
import { loginAt } from '../build/shared-cache/open.ts';
import { IechorError } from '../common/error.ts';
import type { ImageStore } from '../image/image-port.ts';
import { parseReference } from '../image/reference.ts';
import { credentialsOf } from '../registry/credentials.ts';
import type { Registry } from '../registry/registry.ts';

/** Base images for builds: those of the store. A pull is asked for where there is none, or where one is wanted anew. */
export function createBaseImages(options: {
  readonly images: ImageStore;
  readonly registry: () => Promise<Pick<Registry, 'pull'>>;
}): BaseImages {
  const { images, registry } = options;
  return {
    async resolve(reference, { pull: always, logins = {}, ...given }) {
      if (always || !images.find(reference)) {
        const { domain } = parseReference(reference);
        const credentials = credentialsOf(await loginAt(domain, logins));
        await (await registry()).pull(reference, { ...given, credentials });
      }
      const found = images.find(reference);
      if (!found) throw new IechorError('IMAGE_NOT_FOUND', `No such image: ${reference}`);
      return { id: found.id, chain: found.chain, config: found.config };
    },
  };
}
