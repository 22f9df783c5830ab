import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import type { Descriptor } from '../image/types.ts';
import { mismatch } from './repository.ts';

/** Passes bytes on; fails as soon as there are too many, and at the end where they are not what was declared. */
export function verifier(descriptor: Descriptor, onBytes: (position: number) => void = () => {}): Transform {
  const hash = createHash('sha256');
  let size = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length;
      hash.update(chunk);
      onBytes(size);
      done(size > descriptor.size ? mismatch(descriptor.digest, 'longer than declared') : null, chunk);
    },
    flush: (done) => {
      const actual = `sha256:${hash.digest('hex')}`;
      done(actual === descriptor.digest ? null : mismatch(descriptor.digest, actual));
    },
  });
}
