import { isAbsolute, relative } from 'node:path';
import type { SourceSpan } from '../common/diagnostic.ts';
import type { Explanation, Part } from '../compose/explain.ts';
import { toJson } from '../compose/model/json-text.ts';
import { type Printable, plainPrintable } from '../compose/model/printable.ts';
import { toYaml } from '../compose/model/yaml-text.ts';
import type { Contribution, VariableUse } from '../compose/source/origins.ts';
import { pathText } from '../compose/source/report.ts';

/**
 * `config --explain PATH`: the value in YAML, then a line for each place that had a say in it. `readLine` returns a line
 * of a file that was read; files below `directory` are named from there.
 */
export function explainText(
  { path, value, parts }: Explanation,
  options: { directory: string; readLine: (file: string, line: number) => string | undefined },
): string {
  const yaml = toYaml(value).trimEnd();
  const own = pathText(path);
  const nested = (value instanceof Map || Array.isArray(value)) && yaml !== '{}' && yaml !== '[]';
  const head = own === '' ? yaml : nested ? `${own}:\n${yaml.replace(/^(?=.)/gm, '  ')}` : `${own}: ${yaml}`;
  const rows = parts.flatMap((part) => rowsOf(part, path.length, options));
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(([name = '', place = '', text = '']) =>
    `  ${widths[0] ? `${name.padEnd(widths[0] ?? 0)}  ` : ''}${place.padEnd(widths[1] ?? 0)}  ${text}`.trimEnd(),
  );
  return [head, '', ...lines].join('\n');
}

function rowsOf(
  { path, contributions }: Part,
  depth: number,
  options: Parameters<typeof explainText>[1],
): readonly (readonly string[])[] {
  const name = pathText(path.slice(depth));
  if (contributions.length === 0) return [[name, 'default', '']];
  return contributions.flatMap((one, index) => [
    [index === 0 ? name : '', placeText(one.at, options.directory), `${roles[one.kind]}${excerpt(one, options)}`],
    ...(one.variables ?? []).map((use) => ['', '', `    ${use.name}: ${sourceText(use.source, options.directory)}`]),
  ]);
}

const roles = { value: '', alias: 'by alias: ', replaced: 'replaced: ' } as const;

function excerpt({ at }: Contribution, { readLine }: Parameters<typeof explainText>[1]): string {
  const line = readLine(at.file, at.line)?.trim() ?? '';
  return line.length > 90 ? `${line.slice(0, 87)}...` : line;
}

function placeText({ file, line, column }: SourceSpan, directory: string): string {
  const way = relative(directory, file);
  const shown = isAbsolute(file) && !way.startsWith('..') ? way : file;
  return `${shown}:${line}:${column}`;
}

/** `shell`, `.env:3:1`, `default`, `unset`. */
export function sourceText(source: VariableUse['source'], directory: string): string {
  return source.kind === 'env-file' ? placeText(source.at, directory) : source.kind;
}

/** The same as data. */
export function explainJson({ path, value, parts }: Explanation): string {
  const origins = parts.map((part) => ({ path: pathText(part.path), contributions: part.contributions }));
  const data = new Map<string, Printable>([
    ['path', pathText(path)],
    ['value', value],
    ['origins', plainPrintable(origins, 'yaml')],
  ]);
  return toJson(data);
}
