import { parseTemplate } from './go-template.ts';
import { runTemplate } from './run-template.ts';
import { rowJson, rowOf, text } from './go-values.ts';
import { renderTable } from './table.ts';

/** An object's fields as a template sees them; a function is a method such as `.Label "key"`. */
export type Row = Readonly<Record<string, unknown>>;

/** A column of a list command: its title, and the field of the row that fills it. */
export interface Column {
  readonly title: string;
  readonly field: string;
}

export interface ListForm {
  /** Titles of fields that are no columns. */
  readonly titles?: Readonly<Record<string, string>>;
  /** What `raw` prints of a row: a line per name, of the field. Without it `raw` is a template like any other. */
  readonly raw?: readonly (readonly [name: string, field: string])[];
}

/**
 * Text of a list in the format the user chose: undefined or `table` (our columns), `table TEMPLATE` (columns of the
 * template's fields), `json` (one object a line), `raw` or a Go template per row. Empty when there is nothing to print.
 */
export function formatRows(
  rows: readonly Row[],
  columns: readonly Column[],
  format: string | undefined,
  { titles = {}, raw }: ListForm = {},
): string {
  if (format === undefined || format === 'table' || format === '')
    return renderTable(
      columns.map((column) => column.title),
      rows.map((row) => columns.map(({ field }) => text(row[field]))),
    );
  if (format === 'json') return rows.map(rowJson).join('\n');
  if (format === 'raw' && raw)
    return rows.map((row) => raw.map(([name, field]) => `${name}: ${text(row[field])}\n`).join('')).join('\n');
  const source = format.replace(/\\t/g, '\t').replace(/\\n/g, '\n');
  const isTable = source.startsWith('table ');
  const template = parseTemplate(isTable ? source.slice('table '.length).trim() : source);
  const lines = rows.map((row) => runTemplate(template, rowOf(row), { strict: true }));
  if (!isTable) return lines.join('\n');
  const titleOf = (key: string) =>
    titles[key] ?? columns.find(({ field }) => field === key)?.title ?? key.toUpperCase();
  const titled = new Proxy({}, { get: (_, key) => (key === 'Label' ? labelTitle : titleOf(String(key))) });
  const header = runTemplate(template, titled, { strict: false, titles: true }).split('\t');
  return renderTable(
    header,
    lines.map((line) => line.split('\t')),
  );
}

/** The heading of a column of labels: the last part of the label's name. */
const labelTitle = (name: string): string => (name.split('.').at(-1) ?? '').replace(/[-_]/g, ' ');

/** One value through a template, as `inspect --format` does; of `strict` ones a field they have not is an error. */
export function formatValue(value: unknown, source: string, { strict = false } = {}): string {
  if (source === 'json') return JSON.stringify(value);
  return runTemplate(parseTemplate(source), value, { strict });
}
