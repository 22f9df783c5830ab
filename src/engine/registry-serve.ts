import type { EngineApi } from '../api/engine-api.ts';
import type { RegistryServeMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { createBlobStore } from '../image/blob-store.ts';
import type { ChainId } from '../image/types.ts';
import { createCatalog } from '../registry-server/catalog.ts';
import { serveRegistry } from '../registry-server/serve.ts';
import type { EngineContext } from './context.ts';

/** Serves a registry until the caller leaves. Throws BAD_REQUEST and PORT_IN_USE before the first message. */
export async function* serveImages(
  context: EngineContext,
  { body, signal }: Parameters<EngineApi['registryServe']>[0],
): AsyncGenerator<RegistryServeMessage> {
  const { TlsCert: cert, TlsKey: key } = body;
  if ((cert === undefined) !== (key === undefined)) {
    throw new IechorError('BAD_REQUEST', 'a certificate needs its key, and a key its certificate');
  }
  const blobs = createBlobStore(context.roots.dataRoot);
  const running = await serveRegistry(
    { store: context.store, blobs, images: context.images, log: context.log },
    {
      address: body.Address,
      ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
      htpasswd: body.Htpasswd,
      readOnly: body.ReadOnly ?? false,
      allowPlainText: body.AllowPlainHttp ?? false,
      allowSparse: body.AllowSparse ?? false,
      offer: body.Offer ?? [],
    },
  );
  try {
    context.log.info('registry opened', { url: running.url });
    yield { url: running.url };
    if (signal && !signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
  } finally {
    await running.close();
    context.log.info('registry closed', { url: running.url });
  }
}

/** Repositories that were pushed to, by name. */
export async function listServed({ store, roots }: EngineContext): ReturnType<EngineApi['registryList']> {
  const catalog = createCatalog(store);
  const blobs = createBlobStore(roots.dataRoot);
  return catalog.repositories().map((name) => ({
    name,
    tags: [...catalog.tags(name)],
    sizeBytes: catalog.sizeBytes(name, (digest) => blobs.sizeBytes(digest) ?? 0),
  }));
}

/** Throws NOT_FOUND. */
export async function removeServed(
  { store, images }: EngineContext,
  { name }: Parameters<EngineApi['registryRemove']>[0],
  keep: () => ReadonlySet<ChainId>,
): ReturnType<EngineApi['registryRemove']> {
  const catalog = createCatalog(store);
  const [, repository = '', tag] = /^([^:@]+)(?::([^:@]+))?$/.exec(name) ?? [];
  const digest = tag === undefined ? undefined : catalog.tagged(repository, tag);
  const removed = tag === undefined ? catalog.removeRepository(repository) : catalog.removeTag(repository, tag);
  if (!removed) throw new IechorError('NOT_FOUND', `nothing of that name was pushed here: ${name}`);
  const others = catalog.tags(repository).map((one) => catalog.tagged(repository, one));
  if (digest !== undefined && !others.includes(digest)) {
    const blobs = catalog.manifest(repository, digest)?.blobs ?? [];
    catalog.removeManifest(repository, digest);
    for (const blob of blobs) catalog.removeBlob(repository, blob);
  }
  return { freedBytes: await images.collect(keep()) };
}
