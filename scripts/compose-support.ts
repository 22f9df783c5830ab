// Makes docs/compose-support.md from the attribute table, the list of what a plan cannot do, and what others do.
import { writeFileSync } from 'node:fs';
import { notEmpty, set, unsupportedRows } from '../src/compose/plan/unsupported.ts';
import { projectSpec } from '../src/compose/source/attributes.ts';
import { type PeerSupport, peerSupport, peers } from '../src/compose/source/peer-support.ts';
import type { Spec } from '../src/compose/source/spec.ts';

interface Attribute {
  /** `*` stands for users' names and for items of lists. */
  readonly path: string;
  readonly spec: Spec;
}

/** The release each attribute came with, where that is not the first. What is below goes with it. */
const since: ReadonlyMap<string, string> = new Map();
const first = '0.1';

/** Every attribute of the table, in its order. */
export function attributes(): readonly Attribute[] {
  const found: Attribute[] = [];
  const walk = (spec: Spec, path: readonly string[]) => {
    for (const [name, field] of spec.fields ?? []) {
      found.push({ path: [...path, name].join('.'), spec: field });
      walk(field, [...path, name]);
    }
    if (spec.values?.fields) walk(spec.values, [...path, '*']);
    if (spec.items?.fields) walk(spec.items, [...path, '*']);
  };
  walk(projectSpec, []);
  return found;
}

/** The value for a path, or for the nearest attribute that it is below. */
function inherited<T>(values: ReadonlyMap<string, T>, path: string): T | undefined {
  for (let part = path; ; part = part.slice(0, part.lastIndexOf('.'))) {
    const value = values.get(part);
    if (value !== undefined || !part.includes('.')) return value;
  }
}

/** What `up` does with an attribute: `yes`, `no: ...` (refused), `no effect: ...` (said), or both for some values. */
export function ourSupport({ path, spec }: Attribute): string {
  if (spec.refused) return `no: ${spec.refused}`;
  const row = unsupportedRows.find((one) => !one.guard && (path === one.path || path.startsWith(`${one.path}.`)));
  if (!row) return 'yes';
  const all = row.when === undefined || row.when === set || row.when === notEmpty;
  const verb = row.notice ? 'no effect' : 'no';
  return all ? `${verb}: ${row.why}` : `in part: ${row.why}`;
}

const sections: readonly (readonly [title: string, prefix: string])[] = [
  ['Services', 'services.*.'],
  ['Build', 'services.*.build.'],
  ['Deploy', 'services.*.deploy.'],
  ['Networks', 'networks.*.'],
  ['Volumes', 'volumes.*.'],
  ['Secrets', 'secrets.*.'],
  ['Configs', 'configs.*.'],
  ['Models', 'models.*.'],
  ['Include', 'include.*.'],
];

/** The whole document. */
export function renderSupport(): string {
  const all = attributes();
  const longest = (path: string) =>
    sections.filter(([, prefix]) => path.startsWith(prefix)).sort((one, other) => other[1].length - one[1].length)[0];
  const parts = [['Top level', ''] as const, ...sections].map(([title, prefix]) => {
    const own = all.filter(({ path }) => (longest(path)?.[1] ?? '') === prefix);
    return `## ${title}\n\n${table(own, prefix)}`;
  });
  return `${head}\n${parts.join('\n\n')}\n`;
}

function table(rows: readonly Attribute[], prefix: string): string {
  const lines = rows.map((attribute) => {
    const { path } = attribute;
    const peer = (name: keyof PeerSupport) => inherited(onlyOf(name), path) ?? 'yes';
    const cells = [ourSupport(attribute), inherited(since, path) ?? first, peer('docker'), peer('podman')];
    return `| \`${path.slice(prefix.length)}\` | ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [`| attribute | iEchor | since | ${peers.docker} | ${peers.podman} |`, '|---|---|---|---|---|', ...lines].join(
    '\n',
  );
}

const onlyOf = (name: keyof PeerSupport): ReadonlyMap<string, string> =>
  new Map([...peerSupport].flatMap(([path, one]): [string, string][] => (one[name] ? [[path, one[name]]] : [])));

const head = `# Compose support

Made by \`npm run docs\` from the attribute table (\`src/compose/source/attributes.ts\`), the list of what a plan cannot do
(\`src/compose/plan/unsupported.ts\`) and what was seen of others (\`src/compose/source/peer-support.ts\`). Do not edit.

- **yes**: read, checked, and carried out by \`up\` and its kin.
- **no**: read and checked (\`config\` prints it), and refused by \`up\` with its place: never dropped in silence.
- **in part**: some values or some of what is below it are refused in the same way.
- **no effect**: accepted, and said to be without effect.

\`*\` stands for a name of yours or an item of a list. Every object may hold \`x-\` attributes of yours; they are kept and
printed. iEchor's own extensions are to live under \`x-iechor\`: see [x-iechor.md](x-iechor.md).
`;

if (process.argv[1]?.endsWith('compose-support.ts')) writeFileSync('docs/compose-support.md', renderSupport());
