import type { ProgressMessage } from '../api/types/image.ts';
import { formatDiagnostic, type SourceSpan } from '../common/diagnostic.ts';
import { IechorError } from '../common/error.ts';
import { failureOf } from './progress-stream.ts';
import { renderTable } from './render/table.ts';

/** What `--call` asks for, and how it is shown. */
export interface BuildCall {
  readonly name: 'build' | 'check' | 'outline' | 'targets';
  readonly format: 'text' | 'json';
}

/** Reads `NAME[,format=json]`. Throws USAGE. */
export function readCall(text: string | undefined): BuildCall {
  const [name = 'build', ...options] = (text || 'build').split(',');
  const names = ['build', 'check', 'outline', 'targets'] as const;
  const known = names.find((candidate) => candidate === (name === 'lint' ? 'check' : name));
  const format = options.at(-1)?.replace(/^format=/, '') ?? 'text';
  if (!known || options.length > 1 || !options.every((option) => /^format=(json|text)$/.test(option))) {
    throw new IechorError('USAGE', `--call=${text} is not known`, {
      hint: 'it takes build, check, outline or targets, with ",format=json" where wanted',
    });
  }
  return { name: known, format: format === 'json' ? 'json' : 'text' };
}

interface Described {
  readonly name: string;
  readonly description?: string;
}
interface Called {
  readonly name?: string;
  readonly description?: string;
  readonly warnings?: readonly { ruleName: string; detail: string; url: string; at: SourceSpan }[];
  readonly targets?: readonly (Partial<Described> & { default?: boolean })[];
  readonly args?: readonly (Described & { value?: string })[];
  readonly secrets?: readonly (Described & { required?: boolean })[];
  readonly ssh?: readonly (Described & { required?: boolean })[];
  readonly sources?: readonly string[];
}

/** Prints the answer to `--call` and returns the exit code: 1 where checks found something. */
export async function printCalled(
  messages: AsyncIterable<ProgressMessage>,
  options: BuildCall & { readonly print: (text: string) => void },
): Promise<number> {
  let called: Called = {};
  let failure: IechorError | undefined;
  for await (const message of messages) {
    if (message.error !== undefined) failure = failureOf(message);
    if (message.called) called = message.called;
  }
  if (failure && called.warnings === undefined) throw failure;
  options.print(options.format === 'json' ? JSON.stringify(called, undefined, 2) : textOf(options.name, called));
  if (options.name !== 'check') return 0;
  return (called.warnings ?? []).length > 0 ? 1 : 0;
}

function textOf(name: BuildCall['name'], called: Called): string {
  if (name === 'check') return checksText(called);
  if (name === 'targets') {
    const rows = (called.targets ?? []).map((target) => [
      [target.name, target.default && '(default)'].filter(Boolean).join(' '),
      target.description ?? '',
    ]);
    return renderTable(['TARGET', 'DESCRIPTION'], rows, { least: 0, gap: 1 });
  }
  const head = [
    called.name && `TARGET: ${called.description ? '     ' : ''}${called.name}`,
    called.description && `DESCRIPTION: ${called.description}`,
  ];
  const parts = [head.filter(Boolean).join('\n')].filter(Boolean);
  const args = (called.args ?? []).map((arg) => [arg.name, arg.value ?? '', arg.description ?? '']);
  if (args.length > 0) parts.push(renderTable(['BUILD ARG', 'VALUE', 'DESCRIPTION'], args, { least: 0 }));
  for (const [title, items] of [
    ['SECRET', called.secrets],
    ['SSH', called.ssh],
  ] as const) {
    const rows = (items ?? []).map((item) => [item.name, item.required ? 'true' : '']);
    if (rows.length > 0) parts.push(renderTable([title, 'REQUIRED'], rows, { least: 0 }));
  }
  return parts.join('\n\n');
}

function checksText({ warnings = [], sources = [] }: Called): string {
  if (warnings.length === 0) return 'Check complete, no warnings found.';
  const lines = Buffer.from(sources[0] ?? '', 'base64')
    .toString('utf8')
    .split('\n');
  const count = warnings.length === 1 ? '1 warning has' : `${warnings.length} warnings have`;
  const shown = warnings.map(({ ruleName, detail, url, at }) =>
    formatDiagnostic(
      { severity: 'warning', code: ruleName, message: `${ruleName}: ${detail}`, hint: url, at: [at] },
      (_file, line) => lines[line - 1]?.slice(0, 300),
    ),
  );
  return [`Check complete, ${count} been found!`, ...shown].join('\n\n');
}
