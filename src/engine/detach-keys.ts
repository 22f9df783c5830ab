import { IechorError } from '../common/error.ts';

const named: Readonly<Record<string, number>> = { '@': 0, '[': 27, '\\': 28, ']': 29, '^': 30, _: 31 };

/** Bytes of keys such as `ctrl-p,ctrl-q` or `a,ctrl-x`. Throws BAD_REQUEST. */
export function parseDetachKeys(keys: string): Buffer {
  const codes = keys.split(',').map((key) => {
    if (Buffer.byteLength(key) === 1) return key.charCodeAt(0);
    const [, letter = ''] = /^ctrl-([a-z@[\\\]^_])$/.exec(key) ?? [];
    const code = named[letter] ?? (letter === '' ? undefined : letter.charCodeAt(0) - 0x60);
    if (code !== undefined) return code;
    throw new IechorError('BAD_REQUEST', `Invalid detach keys (${keys}) provided`, {
      hint: 'give letters and ctrl-<letter>, separated by commas: ctrl-p,ctrl-q',
    });
  });
  return Buffer.from(codes);
}

/**
 * Looks for the keys in what a user types. Gives what is to be passed on (keys that may begin the sequence are held
 * back until it is clear), or undefined when the sequence is complete.
 */
export function createDetachFilter(keys: Uint8Array): (data: Uint8Array) => Buffer | undefined {
  let matched = 0;
  return (data) => {
    const out: number[] = [];
    for (const byte of data) {
      if (byte === keys[matched]) {
        matched += 1;
        if (matched === keys.length) return undefined;
        continue;
      }
      out.push(...keys.subarray(0, matched));
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) out.push(byte);
      else if (keys.length === 1) return undefined;
    }
    return Buffer.from(out);
  };
}
