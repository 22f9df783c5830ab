import { IechorError } from '../common/error.ts';
import type { ImageRunConfig } from './types.ts';

/** What `--change` of import and commit may say: one instruction of an iEchorfile that only touches the config. */
type Change = (config: ImageRunConfig, rest: string) => ImageRunConfig;

const changes: Readonly<Record<string, Change>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: command(rest) }),
  ENV: (config, rest) => ({ ...config, Env: withVariables(config.Env ?? [], pairs(rest, 'ENV')) }),
  EXPOSE: (config, rest) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...keys(words(rest).map(port)) } }),
  HEALTHCHECK: (config, rest) => ({ ...config, Healthcheck: healthcheck(rest) }),
  LABEL: (config, rest) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs(rest, 'LABEL')) } }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), rest] }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: rest }),
  USER: (config, rest) => ({ ...config, User: rest }),
  VOLUME: (config, rest) => ({ ...config, Volumes: { ...config.Volumes, ...keys(jsonList(rest) ?? words(rest)) } }),
  WORKDIR: (config, rest) => ({ ...config, WorkingDir: workdir(config.WorkingDir, rest) }),
};

/** Instructions that run later, and take variables as they are then. */
const literal = ['CMD', 'ENTRYPOINT', 'HEALTHCHECK', 'ONBUILD'];

/**
 * Applies changes in order to a config; `$NAME` and `${NAME}` stand for what `env` and the config have. One text may
 * hold several instructions, a line each, as a file does. Throws BAD_REQUEST naming the change that is none.
 */
export function applyChanges(
  config: ImageRunConfig,
  texts: readonly string[],
  env: readonly string[] = [],
): ImageRunConfig {
  const lines = instructions(texts);
  if (texts.length > 0 && lines.length === 0) throw refused(texts.join('\n'), 'it has no instructions');
  return lines.reduce((current, line) => {
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    const change = changes[name.toUpperCase()];
    if (!change || !Object.hasOwn(changes, name.toUpperCase())) throw refused(line, `${name} is no such instruction`);
    if (rest === '') throw refused(line, `${name.toUpperCase()} needs an argument`);
    const known = [...env, ...(current.Env ?? [])];
    return change(current, literal.includes(name.toUpperCase()) ? rest : withValues(rest, known));
  }, config);
}

/** One line each: comments and empty lines are left out, and a line that ends in a backslash goes on in the next. */
function instructions(texts: readonly string[]): string[] {
  const text = texts.join('\n').replace(/^[ \t]*#.*(\n|$)/gm, '');
  return text
    .replace(/\\[ \t]*\r?\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function withValues(text: string, env: readonly string[]): string {
  const value = (name: string) =>
    env
      .findLast((entry) => entry.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll('$', '\\$') ?? '';
  return text.replace(/'[^']*'|\\.|\$(?:(\w+)|\{(\w+)\})/gs, (found, bare?: string, braced?: string) =>
    (bare ?? braced) === undefined ? found : value(bare ?? braced ?? ''),
  );
}

function refused(line: string, reason: string): IechorError {
  return new IechorError('BAD_REQUEST', `invalid change ${JSON.stringify(line)}: ${reason}`, {
    hint: `a change begins with one of ${Object.keys(changes).join(', ')}`,
  });
}

const keys = (names: readonly string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, {}]));

/** A list of strings in JSON; undefined for anything else. */
function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

const command = (text: string): string[] => jsonList(text) ?? ['/bin/sh', '-c', text];

/** Words with quotes and backslashes taken as a shell does, without any expansion. */
function words(text: string): string[] {
  const found = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return found.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, escaped?: string) =>
      double !== undefined ? double.replace(/\\(["\\$])/g, '$1') : (single ?? escaped ?? ''),
    ),
  );
}

/** `key=value ...`, or the older `key value with blanks`. */
function pairs(text: string, instruction: string): [string, string][] {
  const [first = '', ...others] = words(text);
  if (!first.includes('=')) {
    if (others.length === 0) throw refused(`${instruction} ${text}`, 'it needs key=value');
    return [[first, text.slice(text.search(/\s/)).trim()]];
  }
  return [first, ...others].map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw refused(`${instruction} ${text}`, `${JSON.stringify(word)} is not key=value`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

function withVariables(env: readonly string[], added: readonly [string, string][]): string[] {
  const names = new Map(env.map((item) => [item.slice(0, Math.max(0, item.indexOf('='))), item]));
  for (const [name, value] of added) names.set(name, `${name}=${value}`);
  return [...names.values()];
}

function port(text: string): string {
  const [, number, protocol = 'tcp'] = /^([0-9]{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  if (number === undefined || Number(number) < 1 || Number(number) > 65535)
    throw refused(`EXPOSE ${text}`, 'no such port');
  return `${number}/${protocol.toLowerCase()}`;
}

function workdir(current: string | undefined, path: string): string {
  return path.startsWith('/') ? path : `${(current ?? '/').replace(/\/$/, '')}/${path}`;
}

const durationUnits: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const healthFlags = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

function healthcheck(text: string): NonNullable<ImageRunConfig['Healthcheck']> {
  if (text.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  const [, flags = '', rest] = /^((?:--\S+\s+)*)CMD\s+([\s\S]+)$/i.exec(text) ?? [];
  if (rest === undefined) throw refused(`HEALTHCHECK ${text}`, 'it needs CMD and a command, or NONE');
  const list = jsonList(rest);
  const check: NonNullable<ImageRunConfig['Healthcheck']> = { Test: list ? ['CMD', ...list] : ['CMD-SHELL', rest] };
  for (const flag of words(flags)) {
    const [, name = '', value = ''] = /^--([a-z-]+)=(.+)$/.exec(flag) ?? [];
    if (name === 'retries' && /^[0-9]+$/.test(value)) check.Retries = Number(value);
    else if (Object.hasOwn(healthFlags, name))
      check[healthFlags[name as keyof typeof healthFlags]] = nanoseconds(value);
    else throw refused(`HEALTHCHECK ${text}`, `${flag} is not understood`);
  }
  return check;
}

function nanoseconds(text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) throw refused(text, 'it is no duration');
  return parts.reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * (durationUnits[unit] ?? 0), 0);
}
