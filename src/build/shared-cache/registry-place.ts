import { parseReference, repositoryOf } from '../../image/reference.ts';
import { bytesOf } from '../../registry/upload.ts';
import type { Credentials } from '../../registry/credentials.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Platform } from '../stage-state.ts';
import { cacheManifest, readFound } from './manifest.ts';
import type { CachePlace, OutgoingCache } from './place.ts';

/** Registries, as far as caches need them. */
export type CacheRegistry = Pick<Registry, 'admitted' | 'manifest' | 'document' | 'layers' | 'publish'>;

/** A registry, and who asks it. */
export interface RegistryAccess {
  readonly registry: CacheRegistry;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal;
}

/** The cache that lies under a name in a registry. */
export function registryPlace(name: string, access: RegistryAccess & { readonly platform: Platform }): CachePlace {
  const { registry, credentials, platform, signal } = access;
  const repository = repositoryOf(parseReference(name));
  return {
    name,
    read: () =>
      readFound(
        {
          // What an index names by digest is admitted with it.
          manifest: (one) =>
            one
              ? registry.manifest(`${repository}@${one.digest}`, { credentials, signal })
              : registry.admitted(name, { credentials, signal }),
          document: (descriptor) => registry.document(name, descriptor, { credentials, signal }),
        },
        platform,
      ),
    bring: (layers, ending) => registry.layers(name, layers, { credentials, signal: ending }),
  };
}

/** Writes a cache to a tag, replacing what is there. */
export async function writeToRegistry(name: string, cache: OutgoingCache, access: RegistryAccess): Promise<void> {
  const { registry, credentials, signal } = access;
  const { content, mediaType, config, configDescriptor } = cacheManifest(cache);
  const source = async () => (start: number) => bytesOf(config.subarray(start));
  const blobs = [...cache.layers, { descriptor: configDescriptor, source }];
  await registry.publish(name, [{ content, mediaType, blobs }], { credentials, signal });
}
