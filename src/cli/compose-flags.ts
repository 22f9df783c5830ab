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

/** Throws NOT_SUPPORTED for a flag that was given and does not work yet. */
export function refuseUnsupportedFlags(
  flags: Readonly<Record<string, unknown>>,
  names: readonly string[],
  place: string,
): void {
  for (const name of names) {
    if (flags[name] === undefined || flags[name] === false) continue;
    throw new IechorError('NOT_SUPPORTED', `--${name} is not supported for ${place} yet`, { hint: 'leave it away' });
  }
}

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

/** `KEY=VALUE` entries; a key alone has the value null: taken from the shell. */
export function assignments(entries: readonly string[] | undefined): Record<string, string | null> {
  return Object.fromEntries(
    (entries ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, process.env[entry] ?? null] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
