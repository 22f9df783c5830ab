import { createPrivateKey, type KeyObject, scryptSync, timingSafeEqual } from 'node:crypto';
import { isFields } from '../image/image-config.ts';

const pem = /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/;
const maxScryptBytes = 256 * 1024 ** 2;

/** Whether a text is a private key as `cosign generate-key-pair` writes it. */
export const isSigstoreKey = (text: string): boolean => pem.test(text);

/** Opens such a key: PKCS #8 in a secretbox of NaCl, whose key scrypt makes of the passphrase. Throws where it cannot. */
export function openSigstoreKey(text: string, passphrase: string): KeyObject {
  const document: unknown = JSON.parse(Buffer.from(pem.exec(text)?.[1] ?? '', 'base64').toString('utf8'));
  const { kdf, cipher, ciphertext } = fields(document);
  const { name, params, salt } = fields(kdf);
  const { N, r, p } = fields(params);
  if (name !== 'scrypt' || fields(cipher).name !== 'nacl/secretbox') throw new Error('it is encrypted in another way');
  const sizes = { N: Number(N), r: Number(r), p: Number(p), maxmem: maxScryptBytes };
  const key = scryptSync(passphrase, bytes(salt), 32, sizes);
  const der = openSecretBox(bytes(ciphertext), bytes(fields(cipher).nonce), key);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

const fields = (value: unknown): Readonly<Record<string, unknown>> => (isFields(value) ? value : {});
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : '', 'base64');

/** XSalsa20 and Poly1305 (NaCl, "crypto_secretbox"). Throws where the content was made with another key. */
function openSecretBox(box: Buffer, nonce: Buffer, key: Buffer): Buffer {
  if (nonce.length !== 24 || box.length < 16) throw new Error('the box is damaged');
  const [tag, sealed] = [box.subarray(0, 16), box.subarray(16)];
  const inner = salsaBlock(key, nonce.subarray(0, 16), { whole: false });
  const stream = keyStream(inner, nonce.subarray(16), 32 + sealed.length);
  if (!timingSafeEqual(poly1305(sealed, stream.subarray(0, 32)), tag)) throw new Error('it has another passphrase');
  return Buffer.from(sealed.map((byte, index) => byte ^ (stream[32 + index] ?? 0)));
}

function keyStream(key: Buffer, nonce: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, index) => {
    const input = Buffer.alloc(16);
    nonce.copy(input);
    input.writeBigUInt64LE(BigInt(index), 8);
    return salsaBlock(key, input, { whole: true });
  });
  return Buffer.concat(blocks).subarray(0, length);
}

const sigma = Buffer.from('expand 32-byte k');
const quarters = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;
const rotations = [7, 9, 13, 18] as const;

/** The core of Salsa20: a block of the stream or, not `whole`, the key that HSalsa20 derives. */
function salsaBlock(key: Buffer, input: Buffer, { whole }: { readonly whole: boolean }): Buffer {
  const layout = [sigma.subarray(0, 4), key.subarray(0, 16), sigma.subarray(4, 8), input, sigma.subarray(8, 12)];
  const packed = Buffer.concat([...layout, key.subarray(16), sigma.subarray(12)]);
  const start = Uint32Array.from({ length: 16 }, (_, index) => packed.readUInt32LE(index * 4));
  const words = start.slice();
  const at = (index: number) => words[index] ?? 0;
  for (let round = 0; round < 10; round++) {
    for (const quarter of quarters) {
      for (const [step, bits] of rotations.entries()) {
        const sum = (at(quarter[step % 4] ?? 0) + at(quarter[(step + 3) % 4] ?? 0)) >>> 0;
        const target = quarter[(step + 1) % 4] ?? 0;
        words[target] = at(target) ^ ((sum << bits) | (sum >>> (32 - bits)));
      }
    }
  }
  const shown = whole
    ? words.map((word, index) => word + (start[index] ?? 0))
    : pick(words, [0, 5, 10, 15, 6, 7, 8, 9]);
  const out = Buffer.alloc(shown.length * 4);
  for (const [index, word] of shown.entries()) out.writeUInt32LE(word, index * 4);
  return out;
}

const pick = (words: Uint32Array, which: readonly number[]) => Uint32Array.from(which, (index) => words[index] ?? 0);

function poly1305(message: Buffer, key: Buffer): Buffer {
  const prime = (1n << 130n) - 5n;
  const r = number(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16);
    sum = ((sum + number(part) + (1n << BigInt(8 * part.length))) * r) % prime;
  }
  const tag = (sum + number(key.subarray(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

/** The first byte is the lowest. */
const number = (part: Buffer): bigint => BigInt(`0x${Buffer.from(part).reverse().toString('hex')}`);
