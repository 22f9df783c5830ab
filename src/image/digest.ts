import { createHash } from 'node:crypto';
import { IechorError } from '../common/error.ts';
import type { ChainId, Digest } from './types.ts';

const grammar = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && grammar.test(text);
}

/** Of the layer that changes nothing: an archive of its end mark alone. */
export const emptyDiffId: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** Checks a digest before it names anything. Throws REFERENCE_INVALID; only sha256 is taken. */
export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text;
  const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 100)) : typeof text;
  throw new IechorError('REFERENCE_INVALID', `not a digest: ${shown}`, {
    hint: 'a digest is "sha256:" and 64 lower-case hexadecimal digits',
  });
}

/** The digits of a checked digest: the only part of it that goes into paths. */
export function hexOf(digest: Digest): string {
  return parseDigest(digest).slice('sha256:'.length);
}

export function digestOf(content: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Name of the stack made of `parent` and the layer above it (image-spec, "Layer ChainID"). */
export function chainIdOf(parent: ChainId | undefined, diffId: Digest): ChainId {
  return parent === undefined ? diffId : digestOf(`${parent} ${diffId}`);
}

/** Names of all stacks from the base up. */
export function chainIdsOf(diffIds: readonly Digest[]): ChainId[] {
  const chain: ChainId[] = [];
  for (const diffId of diffIds) chain.push(chainIdOf(chain.at(-1), diffId));
  return chain;
}
