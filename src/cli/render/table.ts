/**
 * Rows under a header, as Docker prints tables: at least three spaces (`gap`) between columns, none narrower than
 * `least` (with its spaces).
 */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { least = 10, gap = 3 }: { readonly least?: number; readonly gap?: number } = {},
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === cells.length - 1
          ? cell
          : cell + ' '.repeat(Math.max(least, (widths[column] ?? 0) + gap) - displayWidth(cell)),
      )
      .join('')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

/** Columns a text takes in a terminal; escape sequences take none. Wide characters are counted as one. */
function displayWidth(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m|\x1b\]8;;[^\x07\x1b]*(?:\x07|\x1b\\)/g, '').length;
}
