import type { BaseImages } from '../build/ports.ts';
import { loginAt } from '../build/shared-cache/open.ts';
import { codeOf } from '../common/error.ts';
import type { ImageStore } from '../image/image-port.ts';
import { isPlatform, parsePlatform } from '../image/platform.ts';
import { parseReference } from '../image/reference.ts';
import type { ImageRecord } from '../image/types.ts';
import { credentialsOf } from '../registry/credentials.ts';
import type { Registry } from '../registry/registry.ts';

const partsOf = ({ id, chain, config }: ImageRecord) => ({ id, chain, config });
/** Where a registry has no other image, the one that is here has to do; a check of the build file tells. */
const absent: readonly string[] = ['IMAGE_NOT_FOUND', 'REGISTRY_UNREACHABLE', 'REGISTRY_DENIED', 'REGISTRY_REFUSED'];

/** Base images for builds: those of the store. A pull is asked for where there is none, or where one is wanted anew. */
export function createBaseImages(options: {
  readonly images: ImageStore;
  readonly registry: () => Promise<Pick<Registry, 'pull'>>;
}): BaseImages {
  const { images, registry } = options;
  return {
    async resolve(reference, { pull: always, logins = {}, ...given }) {
      const here = images.find(reference);
      const fits = here && (!given.platform || isPlatform(here.config, parsePlatform(given.platform)));
      if (!always && fits) return partsOf(here);
      const { domain } = parseReference(reference);
      const credentials = credentialsOf(await loginAt(domain, logins));
      // Another platform's image must not take this machine's its name away.
      const untagged = given.platform !== undefined && !isPlatform(parsePlatform(given.platform), parsePlatform());
      try {
        return partsOf(await (await registry()).pull(reference, { ...given, untagged, credentials }));
      } catch (error) {
        if (always || !here || !absent.includes(codeOf(error) ?? '')) throw error;
        return partsOf(here);
      }
    },
  };
}
