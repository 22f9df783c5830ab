import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { decodedByProgram, type ProgramCompression } from '../../../src/image/program-decoder.ts';

const plain = Buffer.from('a line of text\n'.repeat(100_000));

async function decoded(compression: ProgramCompression, packed: Buffer): Promise<Buffer> {
  // As archives arrive: in pieces whose memory is used again.
  async function* pieces() {
    const piece = Buffer.alloc(1000);
    for (let at = 0; at < packed.length; at += piece.length) yield piece.subarray(0, packed.copy(piece, 0, at));
  }
  const out: Buffer[] = [];
  for await (const bytes of decodedByProgram(compression, pieces())) out.push(Buffer.from(bytes));
  return Buffer.concat(out);
}

test.each(['xz', 'bzip2'] as const)('%s is decoded, and refused when it is torn', async (compression) => {
  const packed = execFileSync(compression, ['-c'], { input: plain });
  expect((await decoded(compression, packed)).equals(plain)).toBe(true);
  await expect(decoded(compression, packed.subarray(0, packed.length / 2))).rejects.toThrow(
    `its ${compression} compression is damaged`,
  );
});
