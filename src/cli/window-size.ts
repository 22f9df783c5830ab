/** Of the terminal that our output shows in, which those of containers take on; undefined where it is none. */
export function windowSize(): [rows: number, columns: number] | undefined {
  const { rows, columns } = process.stdout;
  return rows && columns ? [rows, columns] : undefined;
}
