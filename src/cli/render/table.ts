/** Rows under a header, columns padded with at least three spaces between them, as Docker prints tables. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === cells.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell) + 3),
      )
      .join('')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

/** Columns a text takes in a terminal; escape sequences take none. Wide characters are counted as one. */
function displayWidth(text: string): number {
  return text.replace(/\x1b\[[0-9;]*m|\x1b\]8;;[^\x07\x1b]*(?:\x07|\x1b\\)/g, '').length;
}
