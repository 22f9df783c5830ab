/** The scanner of the `yaml` package: pieces of the text in order, with marks between them. */
type Scan = (text: string) => Iterable<string>;

/** A text that the `yaml` package reads, and where a position in it is in the text as it was written. */
export interface ReadableText {
  readonly text: string;
  readonly origin: (offset: number) => number;
}

const mostParts = 100;
const widest = 200;
const mostAdded = 1_000_000;
const [scalarMark, cutMark] = ['\u001f', '\u0018'];
const marks = ['\u0002', cutMark, scalarMark];

/**
 * A quoted scalar, and a list or mapping in brackets, may go on at any indentation, as Compose's own parser has it and
 * VS Code's Dev Containers write it; the `yaml` package ends it there. Indents the lines of such parts: blanks that begin
 * them mean nothing. Undefined where there is no such part, or no good end of it.
 */
export function indentContinued(written: string, scan: Scan): ReadableText | undefined {
  let text = written;
  let steps: ((offset: number) => number)[] = [];
  for (let round = 0; round < mostParts; round++) {
    const start = brokenPart(text, scan);
    if (start === undefined) break;
    const lines = linesToIndent(text, start);
    if (!lines || text.length + lines.offsets.length * lines.width > written.length + mostAdded) return undefined;
    text = inserted(text, lines);
    steps = [back(lines), ...steps];
  }
  if (steps.length === 0) return undefined;
  return { text, origin: (offset) => steps.reduce((at, step) => step(at), offset) };
}

interface Lines {
  readonly offsets: readonly number[];
  readonly width: number;
}

function inserted(text: string, { offsets, width }: Lines): string {
  const blanks = ' '.repeat(width);
  return [0, ...offsets].map((from, index) => (index > 0 ? blanks : '') + text.slice(from, offsets[index])).join('');
}

/** From a position after an insertion to the one before it. */
function back({ offsets, width }: Lines): (offset: number) => number {
  return (offset) => {
    const before = offsets.findLastIndex((line, index) => line + index * width <= offset) + 1;
    return before === 0 ? offset : Math.max(offset - before * width, offsets[before - 1] ?? 0);
  };
}

/** Where the first quoted scalar or collection in brackets begins that the scanner ended without its end. */
function brokenPart(text: string, scan: Scan): number | undefined {
  let at = 0;
  let previous = '';
  let depth = 0;
  let opened = 0;
  for (const piece of scan(text)) {
    const isText = previous === scalarMark;
    if (!isText && /^["']/.test(piece) && endOf(piece, 0) === undefined) return at;
    if (piece === cutMark && depth > 0) return opened;
    if (!isText && (piece === '[' || piece === '{') && depth++ === 0) opened = at;
    if (!isText && (piece === ']' || piece === '}')) depth -= 1;
    if (!marks.includes(piece)) at += piece.length;
    previous = piece;
  }
  return undefined;
}

const flowToken = /[\s,:?]+|#[^\n]*|[[\]{}"']|[^\s,[\]{}#"'][^\s,[\]{}]*/y;

/** Of the collection in brackets that begins at `start`: where its last bracket is. */
function endOfFlow(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    flowToken.lastIndex = at;
    const [token = ''] = flowToken.exec(text) ?? [];
    if (token === '[' || token === '{') depth += 1;
    if ((token === ']' || token === '}') && --depth === 0) return at;
    const last = token === '"' || token === "'" ? endOf(text, at) : at + token.length - 1;
    if (last === undefined || last < at) return undefined;
    at = last + 1;
  }
  return undefined;
}

/** Of the quoted scalar that begins at `start`: where its last quote is. */
function endOf(text: string, start: number): number | undefined {
  const body = text[start] === '"' ? /[^"\\]*(?:\\[\s\S][^"\\]*)*"/y : /[^']*(?:''[^']*)*'(?!')/y;
  body.lastIndex = start + 1;
  return body.test(text) ? body.lastIndex - 1 : undefined;
}

function linesToIndent(text: string, start: number): Lines | undefined {
  const end = /[[{]/.test(text[start] ?? '') ? endOfFlow(text, start) : endOf(text, start);
  const width = start - text.lastIndexOf('\n', start) - 1;
  if (end === undefined || width > widest) return undefined;
  const offsets: number[] = [];
  for (let at = text.indexOf('\n', start); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) {
    // A mark of documents ends any scalar.
    if (/^(?:---|\.\.\.)\s/.test(text.slice(at + 1, at + 5))) return undefined;
    const indentation = /^ */.exec(text.slice(at + 1, at + 1 + widest))?.[0].length ?? 0;
    if (indentation < width && !/^\s*$/.test(text.slice(at + 1, at + 2 + indentation))) offsets.push(at + 1);
  }
  return offsets.length > 0 ? { offsets, width } : undefined;
}
