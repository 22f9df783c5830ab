import { deleteBlob, sendBlob } from './blobs.ts';
import type { Exchange, Registry } from './exchange.ts';
import { sendJson } from './exchange.ts';
import { sendCatalog, sendReferrers, sendTags } from './lists.ts';
import { deleteManifest, putManifest, sendManifest } from './manifests.ts';
import { Refusal } from './refusal.ts';
import type { Target } from './router.ts';
import { appendChunk, beginUpload, finishUpload, uploadStatus } from './uploads.ts';

type Handler<T extends Target> = (registry: Registry, exchange: Exchange, target: T) => void | Promise<void>;
type Methods<T extends Target> = Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE', Handler<T>>>>;

/** What each kind of resource does. HEAD is a GET without a body. */
const table: { readonly [K in Target['kind']]: Methods<Extract<Target, { kind: K }>> } = {
  base: { GET: (_registry, exchange) => sendJson(exchange, {}) },
  catalog: { GET: (registry, exchange) => sendCatalog(registry, exchange) },
  tags: { GET: (registry, exchange, { repository }) => sendTags(registry, exchange, repository) },
  referrers: { GET: sendReferrers },
  manifest: { GET: sendManifest, PUT: putManifest, DELETE: deleteManifest },
  blob: { GET: sendBlob, DELETE: deleteBlob },
  uploads: { POST: (registry, exchange, { repository }) => beginUpload(registry, exchange, repository) },
  upload: {
    GET: (registry, exchange, { repository, id }) => uploadStatus(exchange, registry.uploads.get(repository, id)),
    PATCH: (registry, exchange, { repository, id }) => appendChunk(exchange, registry.uploads.get(repository, id)),
    PUT: (registry, exchange, { repository, id }) =>
      finishUpload(registry, exchange, registry.uploads.get(repository, id)),
    DELETE: async (registry, { response }, { repository, id }) => {
      await registry.uploads.get(repository, id).drop();
      response.writeHead(204).end();
    },
  },
};

/** Carries a request out. Throws Refusal. */
export async function handle(registry: Registry, exchange: Exchange, target: Target): Promise<void> {
  const method = exchange.request.method === 'HEAD' ? 'GET' : exchange.request.method;
  const methods = table[target.kind] as Methods<Target>;
  const handler = Object.hasOwn(methods, method ?? '') ? methods[method as keyof typeof methods] : undefined;
  if (!handler) throw new Refusal('UNSUPPORTED', `${method} is not for this resource`);
  if (method !== 'GET' && registry.readOnly) throw new Refusal('UNSUPPORTED', 'this registry is read-only');
  await handler(registry, exchange, target);
}
