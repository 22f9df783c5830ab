/**
 * Names of files are bytes on Linux and text here. A byte that is no part of UTF-8 becomes a lone surrogate (U+DC80 to
 * U+DCFF), which stands in no text of its own, so that the name can be given back as it was.
 */
export function nameOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text;
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at);
    name += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + length);
    at += Math.max(1, length);
  }
  return name;
}

/** Bytes of the character that begins there; 0 where none does. */
function characterAt(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    const part = bytes.subarray(at, at + length);
    const text = part.toString('utf8');
    if (!text.includes('\ufffd') || Buffer.from(text).equals(part)) return length;
  }
  return 0;
}

const lone = /[\udc80-\udcff]/u;

/** A path for a system call: as it is, or as bytes where `nameOf` found some that are no text. */
export function systemPath(path: string): string | Buffer {
  return lone.test(path) ? pathBytes(path) : path;
}

/** A path as bytes. */
export function pathBytes(path: string): Buffer {
  if (!lone.test(path)) return Buffer.from(path);
  const parts = [...path].map((character) =>
    lone.test(character) ? Buffer.from([character.charCodeAt(0) - 0xdc00]) : Buffer.from(character),
  );
  return Buffer.concat(parts);
}
