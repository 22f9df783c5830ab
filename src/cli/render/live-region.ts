import type { Terminal, Write } from './renderer.ts';
import { textWidth } from './text-width.ts';

/** The last lines of a terminal, which change in place. */
export interface LiveRegion {
  /** Puts `lasting` lines above the region, and the region anew, in one write. Lines of it are no wider than the terminal. */
  show(lasting: readonly string[], lines: readonly string[]): void;
}

/**
 * Frames are written at once, over the former one, and not at all where nothing has changed. After the terminal became
 * narrower the former frame takes more rows than it had lines: terminals break what no longer fits.
 */
export function liveRegion(write: Write, terminal: () => Terminal): LiveRegion {
  let drawn: readonly string[] = [];
  let columnsThen = 0;
  const top = (columns: number, rows: number): string => {
    if (drawn.length === 0) return '';
    const height = (line: string) => Math.max(1, Math.ceil(textWidth(line) / Math.max(1, columns)));
    const up = columns < columnsThen ? drawn.reduce((sum, line) => sum + height(line), 0) : drawn.length;
    return `\r\x1b[${Math.min(up, Math.max(1, rows - 1))}A${columns === columnsThen ? '' : '\x1b[J'}`;
  };
  return {
    show(lasting, lines) {
      const { columns, rows } = terminal();
      const isSame = lines.length === drawn.length && lines.every((line, at) => line === drawn[at]);
      if (lasting.length === 0 && isSame && columns === columnsThen) return;
      const text = [...lasting, ...lines].map((line) => `${line}\x1b[K\n`).join('');
      write(`\x1b[?2026h\x1b[?25l${top(columns, rows)}${text}\x1b[J\x1b[?25h\x1b[?2026l`);
      drawn = lines;
      columnsThen = columns;
    },
  };
}
