import type { SourceSpan } from '../../common/diagnostic.ts';
import { syntaxError } from './syntax-error.ts';

/** Where a piece of a joined line came from. */
interface Piece {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** An instruction's text with its continuation lines joined. */
export interface LogicalLine {
  readonly text: string;
  readonly line: number;
  readonly endLine: number;
  readonly pieces: readonly Piece[];
  /** Comment lines directly above. */
  readonly comments: readonly string[];
  readonly hasEmptyContinuation: boolean;
}

/** The file's lines and where the reader stands. */
export interface LineReader {
  readonly file: string;
  /** Lines without their terminators. */
  readonly lines: readonly string[];
  /** The same with carriage returns, as heredocs keep them. */
  readonly rawLines: readonly string[];
  /** Index of the next line to read. */
  next: number;
  escapeChar: string;
  readonly directives: Map<string, string>;
  directivesOver: boolean;
}

/** Longest line in bytes, as BuildKit's reader takes them. */
const maxLineBytes = 65_535;

/** Throws BUILD_SYNTAX for lines that are too long. */
export function openLines(text: string, file: string): LineReader {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const tooLong = lines.findIndex((line) => line.length > maxLineBytes / 4 && Buffer.byteLength(line) > maxLineBytes);
  if (tooLong >= 0) {
    throw syntaxError(`the line is longer than ${maxLineBytes} bytes`, {
      at: { file, line: tooLong + 1, column: 1 },
      lines: [],
      hint: 'Break it with a backslash at its end, or move what is long to a file.',
    });
  }
  return {
    file,
    lines: lines.map((line) => line.replace(/\r+$/, '')),
    rawLines: lines,
    next: 0,
    escapeChar: '\\',
    directives: new Map(),
    directivesOver: false,
  };
}

const isComment = (line: string): boolean => /^\s*#/.test(line);

/** The next instruction's text, or undefined at the end of the file. Reads parser directives on the way. */
export function readLogicalLine(reader: LineReader): LogicalLine | undefined {
  let comments: string[] = [];
  while (reader.next < reader.lines.length) {
    const number = reader.next + 1;
    const raw = reader.lines[reader.next++] ?? '';
    const trimmed = raw.replace(/^[^\S\uFEFF]+/, '');
    if (readDirective(reader, trimmed, number)) continue;
    if (isComment(raw)) {
      const comment = trimmed.slice(1).trim();
      if (comment === '') comments = [];
      else comments.push(comment);
      continue;
    }
    const first = splitContinuation(reader.escapeChar, trimmed);
    if (first.text === '' && !first.continues) continue;
    return joinContinuations(reader, first, {
      line: number,
      column: raw.length - trimmed.length + 1,
      comments,
    });
  }
  return undefined;
}

function joinContinuations(
  reader: LineReader,
  first: { text: string; continues: boolean },
  start: { line: number; column: number; comments: string[] },
): LogicalLine {
  let { text, continues } = first;
  const pieces: Piece[] = [{ offset: 0, line: start.line, column: start.column }];
  let hasEmptyContinuation = false;
  while (continues && reader.next < reader.lines.length) {
    const raw = reader.lines[reader.next++] ?? '';
    if (isComment(raw)) continue;
    if (raw.trim() === '') {
      hasEmptyContinuation = true;
      continue;
    }
    pieces.push({ offset: text.length, line: reader.next, column: 1 });
    const piece = splitContinuation(reader.escapeChar, raw);
    text += piece.text;
    continues = piece.continues;
  }
  return { text, line: start.line, endLine: reader.next, pieces, comments: start.comments, hasEmptyContinuation };
}

/** Removes an escape character at the end of the line (white space may follow), unless it is itself escaped. */
function splitContinuation(escapeChar: string, line: string): { text: string; continues: boolean } {
  let length = line.length;
  while (line[length - 1] === ' ' || line[length - 1] === '\t') length -= 1;
  const end = line.slice(0, length);
  if (!end.endsWith(escapeChar) || end.at(-2) === escapeChar) return { text: line, continues: false };
  return { text: end.slice(0, -1), continues: true };
}

const directiveNames = new Set(['syntax', 'escape', 'check']);

/** `# name=value` lines before anything else; the first other line ends them. */
function readDirective(reader: LineReader, line: string, number: number): boolean {
  if (reader.directivesOver) return false;
  const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line);
  const name = match?.[1]?.toLowerCase();
  const value = match?.[2];
  if (name === undefined || value === undefined || !directiveNames.has(name)) {
    reader.directivesOver = true;
    return false;
  }
  const at: SourceSpan = { file: reader.file, line: number, column: 1, endLine: number, endColumn: line.length + 1 };
  if (reader.directives.has(name)) {
    throw syntaxError(`only one "${name}" parser directive can be used`, { at, lines: reader.lines });
  }
  if (name === 'escape') {
    if (value !== '\\' && value !== '`') {
      throw syntaxError(`the escape character is \\ or \`, not ${JSON.stringify(value)}`, { at, lines: reader.lines });
    }
    reader.escapeChar = value;
  }
  reader.directives.set(name, value);
  return true;
}

/** The place in the file of a range of a joined line. */
export function spanOf(line: LogicalLine, file: string, from = 0, length = line.text.length - from): SourceSpan {
  const start = placeOf(line, from);
  const end = placeOf(line, Math.max(from, from + length - 1));
  return { file, line: start.line, column: start.column, endLine: end.line, endColumn: end.column + 1 };
}

function placeOf(line: LogicalLine, offset: number): { line: number; column: number } {
  const piece = line.pieces.findLast((candidate) => candidate.offset <= offset) ?? line.pieces[0];
  if (!piece) return { line: line.line, column: 1 };
  return { line: piece.line, column: piece.column + offset - piece.offset };
}
