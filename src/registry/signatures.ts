import { createPrivateKey, sign } from 'node:crypto';
import { codeOf, IechorError } from '../common/error.ts';
import { digestOf, hexOf } from '../image/digest.ts';
import { parseDescriptor, parseDocument } from '../image/image-config.ts';
import { mediaTypes } from '../image/media-types.ts';
import { type Reference, repositoryOf } from '../image/reference.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import type { Repository } from './repository.ts';
import { isSigstoreKey, openSigstoreKey } from './sigstore-key.ts';
import type { SimpleSignature } from './trust-policy.ts';
import { bytesOf, uploadBlob } from './upload.ts';

const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const annotation = 'dev.cosignproject.cosign/signature';
const maxSignatures = 100;
const maxPayloadBytes = 64 * 1024;

/** The tag under which cosign keeps the signatures of an image. */
export const signatureTag = (digest: Digest): string => `sha256-${hexOf(digest)}.sig`;

/** What is signed of an image, in cosign's words. */
export function payloadOf(reference: Reference, digest: Digest): Buffer {
  const critical = {
    identity: { 'docker-reference': repositoryOf(reference) },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/** With a key in PEM, PKCS #8 or as cosign writes it. Throws BAD_REQUEST where it is none, or its passphrase is wrong. */
export function signPayload(payload: Buffer, key: string, passphrase: string | undefined): SimpleSignature {
  try {
    const parsed = isSigstoreKey(key)
      ? openSigstoreKey(key, passphrase ?? '')
      : createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
    if (parsed.asymmetricKeyType !== 'ec') throw new Error('it is no ECDSA key');
    return { payload, signature: sign('sha256', payload, parsed).toString('base64') };
  } catch (cause) {
    throw new IechorError(
      'BAD_REQUEST',
      'the key cannot be used: it is no ECDSA private key, or has another passphrase',
      {
        hint: 'set IECHOR_TRUST_PASSPHRASE, or make a key with: iechor trust key generate',
        cause,
      },
    );
  }
}

/** Signatures that a repository holds of an image; none where there are none. Bounded, whatever the registry sends. */
export async function signaturesOf(repository: Repository, digest: Digest): Promise<SimpleSignature[]> {
  const layers = await signatureLayers(repository, digest);
  const found: SimpleSignature[] = [];
  for (const layer of layers) {
    const signature = layer.annotations?.[annotation];
    if (layer.mediaType !== payloadType || signature === undefined || layer.size > maxPayloadBytes) continue;
    found.push({ payload: await repository.document(layer), signature });
  }
  return found;
}

async function signatureLayers(repository: Repository, digest: Digest): Promise<Descriptor[]> {
  try {
    const { content } = await repository.manifest(signatureTag(digest));
    const { layers } = parseDocument(content, 'the signatures');
    const listed = Array.isArray(layers) ? layers.slice(0, maxSignatures) : [];
    return listed.map((layer: unknown) => parseDescriptor(layer, 'a signature'));
  } catch (error) {
    if (codeOf(error) === 'IMAGE_NOT_FOUND') return [];
    throw error;
  }
}

/** Adds a signature to those that the repository holds of an image. One that is there already stays alone. */
export async function addSignature(
  repository: Repository,
  digest: Digest,
  { payload, signature }: SimpleSignature,
  options: { readonly maxAttempts: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const own: Descriptor = {
    mediaType: payloadType,
    digest: digestOf(payload),
    size: payload.length,
    annotations: { [annotation]: signature },
  };
  const layers = [...(await signatureLayers(repository, digest)), own];
  const config = Buffer.from(
    JSON.stringify({
      architecture: '',
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
    }),
  );
  for (const content of [payload, config]) {
    await uploadBlob(repository, {
      descriptor: { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length },
      open: (start) => bytesOf(content.subarray(start)),
      ...{ mountFrom: [], onBytes: () => {}, ...options },
    });
  }
  const described = { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length };
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: described, layers };
  await repository.putManifest(signatureTag(digest), Buffer.from(JSON.stringify(manifest)), mediaTypes.manifest);
}
