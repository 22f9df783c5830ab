import { existsSync } from 'node:fs';
import type { EnvFile, Environment, Service, StringMap } from '../model/project.ts';
import type { LoadContext } from './context.ts';
import { readSource } from './context.ts';
import { record } from './decode.ts';
import { type DotenvOptions, parseDotenv, parseRawEnv } from './dotenv.ts';
import { reportUnset } from './environment.ts';
import { compareText } from './merge.ts';
import type { Place } from './node.ts';
import { fileKey } from './provenance.ts';
import type { Path } from './report.ts';
import type { Lookup } from './template.ts';

export interface From {
  /** Name of the service. */
  readonly name: string;
  /** Answers the place of a path below the service, for findings. */
  readonly placeOf: (path: Path) => readonly Place[];
}

/** A service with its env files read into `environment` (which wins over them). */
export function withEnvironment(context: LoadContext, service: Service, lookup: Lookup, from: From): Service {
  const own = record<string | null>();
  for (const [name, value] of Object.entries(service.environment ?? {})) own[name] = value ?? lookup(name) ?? null;
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(own)) if (value !== null) variables.set(name, value);
  const ownOrShell: Lookup = (name) =>
    lookup(name) ?? (Object.hasOwn(own, name) ? (own[name] ?? undefined) : undefined);
  for (const [index, file] of (service.env_file ?? []).entries()) {
    readEnvFile(context, file, variables, {
      lookup: ownOrShell,
      at: from.placeOf(['env_file', index]),
      defined: (key, place) => context.provenance.fromFiles.set(fileKey(from.name, 'environment', key), place),
    });
  }
  const merged = new Map<string, string | null>([...variables, ...Object.entries(own)]);
  const { env_file: _resolved, environment: _own, ...rest } = service;
  return merged.size === 0 ? rest : { ...rest, environment: sortedRecord(merged) as Environment };
}

function readEnvFile(
  context: LoadContext,
  file: EnvFile,
  variables: Map<string, string>,
  { at, ...reading }: Pick<DotenvOptions, 'lookup' | 'defined'> & { at: readonly Place[] },
): void {
  if (!existsSync(file.path)) {
    if (!file.required) return;
    const message = `env file ${file.path} not found: no such file or directory`;
    context.report.error({
      code: 'COMPOSE_FILE_MISSING',
      message,
      hint: 'write required: false if it may be missing',
      at,
    });
    return;
  }
  const source = readSource(context, file.path, { at });
  if (!source) return;
  if (file.format !== undefined && file.format !== '' && file.format !== '.env' && file.format !== 'raw') {
    context.report.error({
      code: 'COMPOSE_VALUE',
      message: `unsupported env_file format "${file.format}"`,
      hint: 'the only format is raw',
      at,
    });
    return;
  }
  const unset = (name: string, place: Place) => reportUnset(context, name, place);
  const error =
    file.format === 'raw'
      ? parseRawEnv(source, variables, reading)
      : parseDotenv(source, variables, { ...reading, unset });
  if (error)
    context.report.error({
      code: 'COMPOSE_ENV_FILE',
      message: `failed to read ${file.path}: ${error.message}`,
      at: [error.place, ...at],
    });
}

/** A service with its label files read into `labels` (which win over them). */
export function withLabels(context: LoadContext, service: Service, files: readonly string[], from: From): Service {
  if (files.length === 0) return service;
  const labels = new Map<string, string>();
  for (const [index, path] of files.entries()) {
    const at = from.placeOf(['label_file', index]);
    if (!existsSync(path)) {
      context.report.error({
        code: 'COMPOSE_FILE_MISSING',
        message: `label file ${path} not found: no such file or directory`,
        at,
      });
      continue;
    }
    const source = readSource(context, path, { at });
    const error =
      source &&
      parseDotenv(source, labels, {
        lookup: (name) => labels.get(name),
        defined: (key, place) => context.provenance.fromFiles.set(fileKey(from.name, 'labels', key), place),
      });
    if (error)
      context.report.error({
        code: 'COMPOSE_ENV_FILE',
        message: `failed to read ${path}: ${error.message}`,
        at: [error.place, ...at],
      });
  }
  for (const [name, value] of Object.entries(service.labels ?? {})) labels.set(name, value);
  return labels.size === 0 ? service : { ...service, labels: sortedRecord(labels) as StringMap };
}

export function sortedRecord<T>(entries: ReadonlyMap<string, T>): Record<string, T> {
  const out = record<T>();
  for (const [key, value] of [...entries].sort(([one], [other]) => compareText(one, other))) out[key] = value;
  return out;
}
