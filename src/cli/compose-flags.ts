import { IechorError } from '../common/error.ts';
import { Flags } from './flags.ts';

/** Flags that several commands of a project share. */
export const composeFlags = {
  'dry-run': Flags.boolean({ summary: 'Print the plan with its reasons and change nothing' }),
  timeout: Flags.integer({ char: 't', summary: 'Seconds before a container that does not stop is killed' }),
  index: Flags.integer({ summary: 'Number of the container, where a service has several' }),
  pull: Flags.string({
    summary: 'Pull images before the start',
    options: ['always', 'missing', 'never', 'policy'],
    helpValue: 'always|missing|never',
  }),
  scale: Flags.string({
    summary: 'Number of replicas of a service (SERVICE=NUM)',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'SERVICE=NUM',
  }),
  format: Flags.string({ summary: 'table, json, or a Go template' }),
  quiet: Flags.boolean({ char: 'q', summary: 'Only ids' }),
};

/** `--pull`: `policy` leaves it to each service. */
export function pullChoice(text: string | undefined): 'always' | 'missing' | 'never' | undefined {
  return text === 'always' || text === 'missing' || text === 'never' ? text : undefined;
}

/** `web=3` entries. Throws USAGE for anything else. */
export function scales(entries: readonly string[] | undefined): Record<string, number> {
  return Object.fromEntries(
    (entries ?? []).map((entry) => {
      const match = /^([^=]+)=(\d+)$/.exec(entry);
      if (match?.[1]) return [match[1], Number(match[2])];
      throw new IechorError('USAGE', `"${entry}" is not a number of replicas`, {
        hint: 'write SERVICE=NUM, e.g. web=3',
      });
    }),
  );
}

/** `--label KEY=VALUE` entries. Throws USAGE for a key alone. */
export function labelsOf(entries: readonly string[] | undefined): Record<string, string> {
  const labels = assignments(entries);
  const alone = entries?.find((entry) => !entry.includes('='));
  if (alone !== undefined) throw new IechorError('USAGE', `"${alone}" is not a label`, { hint: 'write KEY=VALUE' });
  return labels as Record<string, string>;
}

/** `KEY=VALUE` entries; a key alone has the value null: taken from the shell. */
export function assignments(entries: readonly string[] | undefined): Record<string, string | null> {
  return Object.fromEntries(
    (entries ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, process.env[entry] ?? null] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
