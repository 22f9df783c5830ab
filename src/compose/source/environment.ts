import { existsSync } from 'node:fs';
import { isDirectory, type LoadContext, readSource } from './context.ts';
import { parseDotenv } from './dotenv.ts';
import type { Place } from './node.ts';
import type { Path } from './report.ts';

export interface EnvFileName {
  /** Absolute. */
  readonly name: string;
  readonly at?: Place;
}

/** Reads env files, later ones winning; values may name what is set in `current` or before. Undefined when one is missing. */
export function readEnvFiles(
  context: LoadContext,
  files: readonly EnvFileName[],
  current: ReadonlyMap<string, string>,
  path?: Path,
): ReadonlyMap<string, string> | undefined {
  const variables = new Map<string, string>();
  const places = new Map<string, Place>();
  context.provenance.setPlaces(variables, places);
  for (const { name, at } of files) {
    const missing = !existsSync(name)
      ? `couldn't find env file: ${name}: no such file or directory`
      : isDirectory(name)
        ? `${name} is a directory`
        : undefined;
    if (missing) {
      context.report.error({ code: 'COMPOSE_FILE_MISSING', path, message: missing, at: [at] });
      return undefined;
    }
    const file = readSource(context, name, { at: [at] });
    if (!file) return undefined;
    const error = parseDotenv(file, variables, {
      lookup: (key) => current.get(key),
      unset: (key, place) => reportUnset(context, key, place),
      defined: (key, place) => places.set(key, place),
    });
    if (error) {
      const message = `failed to read ${name}: ${error.message}`;
      context.report.error({ code: 'COMPOSE_ENV_FILE', message, at: [error.place, at] });
      return undefined;
    }
  }
  return variables;
}

/** A variable that an env file names and nobody sets. */
export function reportUnset(context: LoadContext, name: string, place: Place): void {
  context.report.warning({
    code: 'COMPOSE_UNSET_VARIABLE',
    message: `the variable ${JSON.stringify(name)} is not set; a blank string takes its place`,
    hint: "put the value in 'single quotes' if the dollar sign is meant as such",
    at: [place],
  });
}
