/** A terminal as far as progress needs one: what it shows after some bytes, what has scrolled away included. */
export interface Screen {
  write(text: string): void;
  /** Breaks anew what was written beyond the right edge, as most terminals do. */
  resize(columns: number): void;
  /** All lines, without blanks at their ends, and without empty ones at the end. */
  lines(): string[];
}

const parts = /\x1b\[[?\d;]*[A-Za-z]|\x1b\][^\x07]*\x07|[\n\r]|[^\x1b\n\r]/gu;
const wide = /\p{Emoji_Presentation}|[\u3041-\ua4cf\uac00-\ud7a3]/u;

/** Throws for a sequence it does not know, and for a cursor that moves above the top of the screen. */
export function createScreen(size: { columns: number; rows: number }): Screen {
  let { columns } = size;
  /** Cells by line; a line that goes on in the next one is marked. */
  let lines: { cells: string[]; goesOn: boolean }[] = [{ cells: [], goesOn: false }];
  let row = 0;
  let column = 0;
  const lineAt = (at: number) => {
    while (lines.length <= at) lines.push({ cells: [], goesOn: false });
    return lines[at] as (typeof lines)[number];
  };
  const put = (character: string) => {
    const width = wide.test(character) ? 2 : 1;
    if (column + width > columns) {
      lineAt(row).goesOn = true;
      row += 1;
      column = 0;
    }
    const { cells } = lineAt(row);
    while (cells.length < column) cells.push(' ');
    cells[column] = character;
    if (width === 2) cells[column + 1] = '';
    column += width;
  };
  const control = (text: string) => {
    const [, number = '', letter] = /^\x1b\[\??([\d;]*)([A-Za-z])$/.exec(text) ?? [];
    if (letter === 'A') row -= Number(number || 1);
    else if (letter === 'K') {
      const line = lineAt(row);
      if (number === '2') line.cells = [];
      else line.cells.length = Math.min(line.cells.length, column);
      line.goesOn = false;
    } else if (letter === 'J') {
      lineAt(row).cells.length = Math.min(lineAt(row).cells.length, column);
      lines.length = row + 1;
    } else if (letter !== 'm' && letter !== 'h' && letter !== 'l' && !text.startsWith('\x1b]')) {
      throw new Error(`not known: ${JSON.stringify(text)}`);
    }
    if (row < Math.max(0, lines.length - size.rows)) throw new Error('the cursor moved above the screen');
  };
  return {
    write(text) {
      for (const [part] of text.matchAll(parts)) {
        if (part === '\n') {
          row += 1;
          column = 0;
          lineAt(row);
        } else if (part === '\r') column = 0;
        else if (part.startsWith('\x1b')) control(part);
        else put(part);
      }
    },
    resize(to) {
      const below = lines.length - row;
      const whole: string[][] = [];
      let joined = false;
      for (const { cells, goesOn } of lines) {
        if (joined) whole.at(-1)?.push(...cells);
        else whole.push([...cells]);
        joined = goesOn;
      }
      lines = whole.flatMap((cells) => {
        const pieces = Array.from({ length: Math.max(1, Math.ceil(cells.length / to)) }, (_, at) =>
          cells.slice(at * to, (at + 1) * to),
        );
        return pieces.map((piece, at) => ({ cells: piece, goesOn: at < pieces.length - 1 }));
      });
      columns = to;
      row = lines.length - below;
      column = 0;
    },
    lines() {
      const shown = lines.map(({ cells }) => cells.join('').trimEnd());
      while (shown.at(-1) === '') shown.pop();
      return shown;
    },
  };
}
