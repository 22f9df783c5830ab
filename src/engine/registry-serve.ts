import type { EngineApi } from '../api/engine-api.ts';
import type { RegistryServeMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { createBlobStore } from '../image/blob-store.ts';
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
