import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { chainIdsOf } from '../image/digest.ts';
import { isBootstrappable } from '../image/distributions.ts';
import { parseImageConfig } from '../image/image-config.ts';
import { type Platform, parsePlatform } from '../image/platform.ts';
import { familiar, formatReference, parseReference, type Reference, repositoryOf } from '../image/reference.ts';
import type { Digest, ImageRecord } from '../image/types.ts';
import type { RegistryContext, TransferOptions } from './context.ts';
import type { DownloadSource } from './downloads.ts';
import { type Endpoint, endpointsOf } from './hosts.ts';
import { pullLayers } from './pull-layers.ts';
import { openRepository, type Repository } from './repository.ts';
import { parseManifest, resolveManifest } from './resolve.ts';
import { signaturesOf } from './signatures.ts';
import { admitImage } from './trust-policy.ts';

export interface PullOptions extends TransferOptions {
  /** `os/architecture[/variant]`, default this machine's. What its registry has for one platform alone comes for any. */
  readonly platform?: string | undefined;
  /** Leaves the name to whatever has it. */
  readonly untagged?: boolean | undefined;
}

/**
 * Gets an image from its registry, verifying every digest; layers that are here already are not fetched, and what an
 * earlier attempt has brought is used. Tags it with the reference, where that has a tag. Throws REGISTRY_UNREACHABLE
 * (with the way round it, where there is one), REGISTRY_REFUSED, REGISTRY_DENIED, IMAGE_NOT_FOUND, IMAGE_UNTRUSTED, DIGEST_MISMATCH,
 * NO_SPACE, INTERRUPTED.
 */
export async function pullImage(
  context: RegistryContext,
  reference: string,
  options: PullOptions = {},
): Promise<ImageRecord> {
  const parsed = parseReference(reference);
  const asked = { reference: parsed, platform: parsePlatform(options.platform) };
  const release = context.images.hold();
  try {
    return await atSomeEndpoint(context, parsed.domain, options, ({ repository, source }) =>
      pullFrom(context, asked, { repository: repository(parsed.path), source, options }),
    );
  } catch (error) {
    if (codeOf(error) !== 'REGISTRY_UNREACHABLE' || !isBootstrappable(parsed)) throw error;
    throw new IechorError('REGISTRY_UNREACHABLE', messageOf(error), {
      hint: `make it from the distribution's packages: iechor image bootstrap ${familiar(formatReference(parsed))}`,
      cause: error,
    });
  } finally {
    release();
  }
}

/** The tags that the repository of a reference has. */
export function listTags(context: RegistryContext, reference: Reference, options: TransferOptions): Promise<string[]> {
  return atSomeEndpoint(context, reference.domain, options, ({ repository }) => repository(reference.path).tags());
}

/** A manifest or index as its registry has it now. */
export function readManifest(context: RegistryContext, reference: Reference, options: TransferOptions) {
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  return atSomeEndpoint(context, reference.domain, options, ({ repository }) =>
    repository(reference.path).manifest(wanted),
  );
}

/** What one host of a registry is asked with. */
export interface Asking {
  readonly repository: (path: string) => Repository;
  readonly source: (path: string) => DownloadSource;
}

/** Errors that another host with the same content may not have. */
const passing: readonly string[] = [
  'REGISTRY_UNREACHABLE',
  'REGISTRY_REFUSED',
  'REGISTRY_DENIED',
  'IMAGE_NOT_FOUND',
  'DIGEST_MISMATCH',
  'ARCHIVE_INVALID',
];

/** Asks the mirrors, then the registry itself. Credentials are the registry's: a mirror gets none. */
export async function atSomeEndpoint<T>(
  context: RegistryContext,
  domain: string,
  options: TransferOptions,
  ask: (asking: Asking) => Promise<T>,
): Promise<T> {
  const endpoints = endpointsOf(domain, context.settings, 'read');
  for (const [index, endpoint] of endpoints.entries()) {
    const credentials = endpoint.mirror ? undefined : options.credentials;
    const { session, release } = context.sessions.acquire(endpoint, credentials);
    try {
      return await ask({
        repository: (path) => openRepository(session, { path, access: 'pull', signal: options.signal }),
        source: (path) => sourceOf(context, endpoint, { path, credentials }),
      });
    } catch (error) {
      const more = index < endpoints.length - 1;
      if (!more || !isIechorError(error) || !passing.includes(error.code)) throw error;
      context.log.warn('a mirror cannot be used', { mirror: endpoint.host, error: messageOf(error) });
    } finally {
      release();
    }
  }
  throw new Error('a registry without an address');
}

/** Downloads outlive the pull that began them where another waits for them, so they hold the session themselves. */
function sourceOf(
  context: RegistryContext,
  endpoint: Endpoint,
  { path, credentials }: { readonly path: string; readonly credentials: TransferOptions['credentials'] },
): DownloadSource {
  return {
    open: (signal) => {
      const { session, release } = context.sessions.acquire(endpoint, credentials);
      return { repository: openRepository(session, { path, access: 'pull', signal }), release };
    },
  };
}

interface Asked {
  readonly reference: Reference;
  readonly platform: Platform;
}

async function pullFrom(
  context: RegistryContext,
  { reference, platform }: Asked,
  from: { readonly repository: Repository; readonly source: Asking['source']; readonly options: PullOptions },
): Promise<ImageRecord> {
  const { images } = context;
  const { repository, source, options } = from;
  const { signal, onProgress: report = () => {} } = options;
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const top = await repository.manifest(wanted);
  report({ status: `Pulling from ${reference.path}`, id: reference.digest ? formatReference(reference) : wanted });
  if (context.policy) {
    const { digest } = top;
    await admitImage(context.policy(), { reference, digest }, () => signaturesOf(repository, digest));
  }
  const found = await resolveManifest(repository, top, platform);
  const manifest = parseManifest(found);
  const rawConfig = await repository.document(manifest.config);
  const config = parseImageConfig(rawConfig, manifest.layers.length);
  const chain = chainIdsOf(config.rootfs.diff_ids);
  const layers = manifest.layers.map((descriptor, index) => ({
    descriptor,
    diffId: config.rootfs.diff_ids[index] as Digest,
    chainId: chain[index] as Digest,
    parent: chain[index - 1],
  }));
  // As Docker says nothing of the layers of an image that is here.
  const isHere = images.find(manifest.config.digest) !== undefined;
  await pullLayers(context, layers, { source: source(repository.path), report: isHere ? () => {} : report, signal });
  const repoDigests = [`${repositoryOf(reference)}@${top.digest}`];
  const image = await images.create(config, chain, { rawConfig, rawManifest: found.content, repoDigests });
  if (reference.tag !== undefined && !options.untagged) {
    const index = top.digest === found.digest ? undefined : top.content;
    images.tag(image.id, formatReference(withoutDigest(reference)), { known: { manifest: image.manifest, index } });
  }
  report({ status: `Digest: ${top.digest}` });
  return image;
}

function withoutDigest({ domain, path, tag }: Reference): Reference {
  return { domain, path, ...(tag !== undefined && { tag }) };
}
