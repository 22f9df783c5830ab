import { isDigest } from '../image/digest.ts';
import type { ImageStore } from '../image/image-port.ts';
import { type PortableManifest, portableManifest } from '../image/portable-manifest.ts';
import { familiar, parseReference } from '../image/reference.ts';
import type { Digest, ImageRecord } from '../image/types.ts';

/** Images of this engine as repositories: `docker.io/library/web` is `web`, `registry.example/team/app` is `team/app`. */
export interface LocalImages {
  repositories(): readonly string[];
  tags(repository: string): readonly string[];
  manifest(repository: string, reference: string): Promise<PortableManifest | undefined>;
  /** Whether a manifest of the repository that was asked for names the blob. */
  hasBlob(repository: string, digest: Digest): boolean;
}

interface Offered {
  readonly repository: string;
  readonly tag: string;
  readonly image: ImageRecord;
}

/** `patterns` choose by the name as people write it, `*` standing for any text; without one nothing is offered. */
export function createLocalImages(images: ImageStore, patterns: readonly string[]): LocalImages {
  const shown = new Map<string, Map<Digest, PortableManifest>>();
  const fits = patterns.map(patternOf);
  const offered = (): Offered[] =>
    patterns.length === 0
      ? []
      : images.list().flatMap((image) =>
          images.tagsOf(image.id).flatMap((canonical) => {
            const { path, tag = 'latest' } = parseReference(canonical);
            if (!fits.some((one) => one.test(familiar(canonical)))) return [];
            const named = images.platformsOf(canonical).find(({ id }) => id === image.id) ?? image;
            return [{ repository: path.replace(/^library\//, ''), tag, image: named }];
          }),
        );
  const render = async (repository: string, image: ImageRecord): Promise<PortableManifest> => {
    const made = await portableManifest(images, image);
    const known = shown.get(repository) ?? new Map<Digest, PortableManifest>();
    shown.set(repository, known.set(made.digest, made));
    return made;
  };
  return {
    repositories: () => [...new Set(offered().map(({ repository }) => repository))],
    tags: (repository) => offered().flatMap((one) => (one.repository === repository ? [one.tag] : [])),
    manifest: async (repository, reference) => {
      const here = offered().filter((one) => one.repository === repository);
      if (!isDigest(reference)) {
        const found = here.find(({ tag }) => tag === reference);
        return found && render(repository, found.image);
      }
      for (const { image } of here) {
        const made = await render(repository, image);
        if (made.digest === reference) return made;
      }
      return undefined;
    },
    hasBlob: (repository, digest) =>
      [...(shown.get(repository)?.values() ?? [])].some(
        ({ config, layers }) => config.digest === digest || layers.some((layer) => layer.digest === digest),
      ),
  };
}

function patternOf(text: string): RegExp {
  const source = text.replace(/[.+^${}()|\\[\]?]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}(?::[^/]*)?$`);
}
