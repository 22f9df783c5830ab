import type { Place, SourceFile } from './node.ts';

export interface BadText {
  readonly message: string;
  readonly hint?: string;
  readonly place: Place;
}

const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff]/u;

/** A file with more lines than this was not written by people, and costs more memory than it may. */
const mostLines = 1_000_000;

/** The first character that no YAML file may hold, or the line that is one too many. */
export function findBadText(file: SourceFile): BadText | undefined {
  const found = control.exec(file.text);
  if (!found) return tooManyLines(file);
  const code = found[0].codePointAt(0) ?? 0;
  const name = code === 0 ? 'NUL character' : `control character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return {
    message: `${name} in the file`,
    hint: 'is this a text file?',
    place: { file, start: found.index, end: found.index + 1 },
  };
}

function tooManyLines(file: SourceFile): BadText | undefined {
  let at = -1;
  for (let line = 0; line < mostLines; line++) {
    at = file.text.indexOf('\n', at + 1);
    if (at < 0) return undefined;
  }
  return { message: `more than ${mostLines} lines`, place: { file, start: at, end: at + 1 } };
}

/** Text of a file; invalid UTF-8 is answered with the offset (in characters) of the first bad byte. */
export function decodeUtf8(bytes: Uint8Array): { text: string; badAt?: number } {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), badAt: firstBadOffset(bytes) };
  }
}

/** Bisects: the longest prefix (cut anywhere in a character) that decodes is found by streaming. */
function firstBadOffset(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  const decodes = (length: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (decodes(middle)) low = middle;
    else high = middle - 1;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, low), { stream: true }).length;
}

const hints: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BLOCK_AS_IMPLICIT_KEY: 'quote a value that contains ": "',
  BAD_SCALAR_START: 'quote the value',
  MISSING_CHAR: 'is a quote, bracket or comma missing?',
  BAD_INDENT: 'align it with the lines it belongs to',
  MULTILINE_IMPLICIT_KEY: 'is a ":" missing after a key, or the indentation wrong?',
};

/** What to do about an error of the YAML reader, by its code. */
export const yamlHint = (code: string): string | undefined => hints[code];
