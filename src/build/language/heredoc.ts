import { expand } from './expand.ts';
import { type LineReader, type LogicalLine, spanOf } from './lines.ts';
import { syntaxError } from './syntax-error.ts';

export interface Heredoc {
  readonly name: string;
  /** False when the name was quoted: the body is taken as it is. */
  readonly expand: boolean;
  /** `<<-`: leading tabs of the body and of the terminator do not count. */
  readonly chomp: boolean;
  readonly content: string;
}

const nothingSet = { lookup: () => undefined, escapeChar: '\\', keepUnset: true } as const;

/** Reads `<<NAME`, `<<-NAME`, `3<<"NAME"`; undefined for any other word. */
export function heredocOf(word: string): Omit<Heredoc, 'content'> | undefined {
  const match = /^\d*<<(-?)\s*([^<]*)$/.exec(word);
  const rest = match?.[2];
  if (!rest) return undefined;
  const [name, ...others] = expand(rest, nothingSet).words;
  const [raw] = expand(rest, { ...nothingSet, rawQuotes: true }).words;
  if (name === undefined || raw === undefined || others.length > 0) return undefined;
  const quotes = (text: string) => text.replace(/[^'"]/g, '').length;
  return { name, expand: quotes(name) === quotes(raw), chomp: match?.[1] === '-' };
}

/** Reads the bodies of all heredocs that the line announces. */
export function readHeredocs(reader: LineReader, line: LogicalLine): Heredoc[] {
  if (!line.text.includes('<<')) return [];
  return announced(line.text).map((heredoc) => {
    const body: string[] = [];
    for (;;) {
      if (reader.next >= reader.lines.length) {
        throw syntaxError(`the heredoc ${heredoc.name} is not terminated`, {
          at: spanOf(line, reader.file),
          lines: reader.lines,
          hint: `End it with a line that holds only ${heredoc.name}.`,
        });
      }
      const text = reader.lines[reader.next] ?? '';
      const raw = reader.rawLines[reader.next++] ?? '';
      if ((heredoc.chomp ? text.replace(/^\t+/, '') : text) === heredoc.name) break;
      body.push(`${raw}\n`);
    }
    return { ...heredoc, content: body.join('') };
  });
}

function announced(text: string): Omit<Heredoc, 'content'>[] {
  try {
    const { words } = expand(text, { ...nothingSet, rawQuotes: true, rawEscapes: true });
    return words.flatMap((word) => heredocOf(word) ?? []);
  } catch {
    return []; // quotes that do not close belong to the shell, not to us
  }
}

export const chompTabs = (text: string): string => text.replace(/^\t+/gm, '');
