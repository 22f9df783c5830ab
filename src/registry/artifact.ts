import { IechorError } from '../common/error.ts';
import { digestOf } from '../image/digest.ts';
import { isFields, parseDescriptor, parseDocument } from '../image/image-config.ts';
import { mediaTypes } from '../image/media-types.ts';
import { parseReference } from '../image/reference.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import type { Credentials } from './credentials.ts';
import { endpointsOf } from './hosts.ts';
import { openRepository, type Repository } from './repository.ts';
import { openSession } from './session.ts';
import type { RegistrySettings } from './settings.ts';
import { bytesOf, uploadBlob } from './upload.ts';

/** A file of a Compose project in a registry, in Docker Compose's format. */
export interface ArtifactFile {
  /** A plain name, without any directory. */
  readonly name: string;
  /** `compose` files are merged in their order; `extended` ones and `env` files are named by them. */
  readonly kind: 'compose' | 'extended' | 'env';
  readonly content: Buffer;
}

export interface ArtifactOptions {
  readonly settings: RegistrySettings;
  readonly credentials?: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

const projectType = 'application/vnd.docker.compose.project';
const fileType = 'application/vnd.docker.compose.file+yaml';
const envType = 'application/vnd.docker.compose.envfile';
const oldConfigType = 'application/vnd.docker.compose.config.empty.v1+json';
const emptyType = 'application/vnd.oci.empty.v1+json';
const annotation = {
  file: 'com.docker.compose.file',
  env: 'com.docker.compose.envfile',
  extended: 'com.docker.compose.extends',
};
const empty = Buffer.from('{}');
const maxFiles = 200;

/** Reads a project from a registry. Throws NOT_SUPPORTED for what is none, ARCHIVE_INVALID, IMAGE_NOT_FOUND, REGISTRY_*. */
export async function fetchProject(
  text: string,
  options: ArtifactOptions,
): Promise<{ readonly digest: Digest; readonly files: readonly ArtifactFile[] }> {
  const reference = parseReference(text);
  return withRepository(text, 'read', options, async (repository) => {
    const { content, digest } = await repository.manifest(reference.digest ?? reference.tag ?? 'latest');
    const document = parseDocument(content, 'the manifest');
    const config = isFields(document.config) ? document.config.mediaType : undefined;
    if (document.artifactType !== projectType && config !== oldConfigType) {
      throw new IechorError('NOT_SUPPORTED', `${text} is no Compose project`, { hint: 'is it an image?' });
    }
    const layers = Array.isArray(document.layers) ? document.layers : [];
    if (layers.length > maxFiles) throw new IechorError('ARCHIVE_INVALID', `${text} has more than ${maxFiles} files`);
    const files: ArtifactFile[] = [];
    for (const layer of layers) {
      const descriptor = parseDescriptor(layer, 'a file');
      const named = nameOf(descriptor);
      if (named) files.push({ ...named, content: await repository.document(descriptor) });
    }
    return { digest, files };
  });
}

/** Name and kind of a layer; undefined for one of a kind that is not known. Throws ARCHIVE_INVALID. */
function nameOf({ mediaType, annotations = {} }: Descriptor): Omit<ArtifactFile, 'content'> | undefined {
  const isEnv = mediaType === envType;
  if (!isEnv && mediaType !== fileType) return undefined;
  const name = annotations[isEnv ? annotation.env : annotation.file] ?? '';
  // What stands there was written by whoever published it: it names a file beside the others, and nothing else.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/.test(name)) {
    throw new IechorError(
      'ARCHIVE_INVALID',
      `a file of the project has the name ${JSON.stringify(name.slice(0, 100))}`,
    );
  }
  const extended = annotations[annotation.extended] === 'true';
  return { name, kind: isEnv ? 'env' : extended ? 'extended' : 'compose' };
}

export interface PublishOptions extends ArtifactOptions {
  readonly ociVersion: '1.0' | '1.1';
  readonly version: string;
  readonly created: string;
  /** Copies the project's images into its own repository; resolves with what they are there. */
  readonly bringImages?: (repository: Repository, domain: string) => Promise<readonly Descriptor[]>;
}

/** Writes a project to a registry, for Docker Compose and ourselves. Resolves with the digest of its manifest. */
export async function publishProject(
  text: string,
  files: readonly ArtifactFile[],
  options: PublishOptions,
): Promise<Digest> {
  const reference = parseReference(text);
  const { tag, digest } = reference;
  if (tag === undefined || digest !== undefined) {
    throw new IechorError('REFERENCE_INVALID', 'a project is published under a tag, not a digest');
  }
  const layers = files.map((file) => describe(file, options.version));
  const modern = options.ociVersion === '1.1';
  const config = {
    mediaType: modern ? emptyType : oldConfigType,
    digest: digestOf(empty),
    size: empty.length,
    data: empty.toString('base64'),
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(modern && { artifactType: projectType }),
    config,
    layers,
    annotations: { 'org.opencontainers.image.created': options.created },
  };
  const content = Buffer.from(JSON.stringify(manifest));
  await withRepository(text, 'write', options, async (repository) => {
    for (const blob of [empty, ...files.map((file) => file.content)]) await upload(repository, blob, options);
    await repository.putManifest(tag, content, mediaTypes.manifest);
    if (!options.bringImages) return;
    // What refers to the project, and keeps its images beside it.
    const application = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      ...(modern && { artifactType: projectType }),
      manifests: await options.bringImages(repository, reference.domain),
      subject: { mediaType: mediaTypes.manifest, digest: digestOf(content), size: content.length },
      annotations: { 'com.docker.compose.version': options.version },
    };
    const index = Buffer.from(JSON.stringify(application));
    await repository.putManifest(digestOf(index), index, mediaTypes.index);
  });
  return digestOf(content);
}

function describe({ name, kind, content }: ArtifactFile, version: string) {
  const named = kind === 'env' ? { [annotation.env]: name } : { [annotation.file]: name };
  return {
    mediaType: kind === 'env' ? envType : fileType,
    digest: digestOf(content),
    size: content.length,
    annotations: {
      ...(kind === 'extended' && { [annotation.extended]: 'true' }),
      ...named,
      'com.docker.compose.version': version,
    },
    data: content.toString('base64'),
  };
}

async function upload(repository: Repository, content: Buffer, { settings, signal }: ArtifactOptions): Promise<void> {
  await uploadBlob(repository, {
    descriptor: { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length },
    open: (start) => bytesOf(content.subarray(start)),
    ...{ mountFrom: [], onBytes: () => {}, maxAttempts: settings.maxAttempts, signal },
  });
}

/** Opens the repository of a reference for as long as `use` takes; no mirror is asked. */
export async function withRepository<T>(
  text: string,
  access: 'read' | 'write',
  { settings, credentials, signal }: ArtifactOptions,
  use: (repository: Repository) => Promise<T>,
): Promise<T> {
  const { domain, path } = parseReference(text);
  const endpoint = endpointsOf(domain, settings, access).at(-1);
  if (!endpoint) throw new Error('a registry without an address');
  const session = openSession(endpoint, { settings, credentials });
  try {
    return await use(openRepository(session, { path, access: access === 'read' ? 'pull' : 'pull,push', signal }));
  } finally {
    session.close();
  }
}
