import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { recipeTar } from '../../../src/image/layer-recipe.ts';

const piece = (kind: number, length: number): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind, 0);
  head.writeUInt32LE(length, 1);
  return head;
};
const raw = (text: string) => Buffer.concat([piece(0, text.length), Buffer.from(text)]);
const content = (path: string, size: bigint) => {
  const tail = Buffer.alloc(8);
  tail.writeBigUInt64LE(size);
  return Buffer.concat([piece(1, path.length), Buffer.from(path), tail]);
};

describe('the archive of a layer by its recipe', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-recipe-'));
    writeFileSync(join(dir, 'a'), 'content');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const written = async (pieces: readonly Buffer[]): Promise<string> => {
    const recipe = `${dir}.recipe`;
    writeFileSync(recipe, zstdCompressSync(Buffer.concat(pieces)));
    try {
      let text = '';
      for await (const chunk of recipeTar(dir, recipe)) text += chunk.toString();
      return text;
    } finally {
      rmSync(recipe);
    }
  };

  test('is its own bytes and the content of files, in turn', async () => {
    expect(await written([raw('<'), content('a', 7n), raw('>')])).toBe('<content>');
  });

  test.each([
    ['more of a file than is in it', [content('a', 2n ** 62n)]],
    ['a piece that does not end', [piece(0, 0xffffffff)]],
    ['half a head', [Buffer.from([0, 1])]],
  ])('is refused, and pads nothing, where it wants %s', async (_, pieces) => {
    await expect(written(pieces)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
  });

  test('reads no file outside of the layer', async () => {
    await expect(written([content('../../etc/passwd', 10n)])).rejects.toThrow();
  });
});
