import type { ContainerRecord } from '../container-record.ts';
import { renderTag } from './log-tag.ts';
import { badLogOption } from './log-values.ts';

const longestPattern = 512;
/** A repetition of what repeats: such a pattern may take for ever on a short text. */
const nestedRepetition = /\([^()]*[*+{][^()]*\)[*+{]/;

/** Throws BAD_REQUEST for what is no pattern, or one that may take for ever. */
export function checkPattern(option: string, pattern: string): void {
  if (pattern.length > longestPattern || nestedRepetition.test(pattern)) {
    throw badLogOption(`${option}: the pattern repeats what repeats, or is too long`);
  }
  try {
    new RegExp(pattern, 'u');
  } catch {
    throw badLogOption(`${option}: error parsing regexp: \`${pattern}\``);
  }
}

/** Labels and variables that the log options choose, as attributes of each line. Pure. */
export function logAttributes(record: ContainerRecord): Record<string, string> {
  const options = record.body.HostConfig?.LogConfig?.Config ?? {};
  const variables = record.env.map((entry) => {
    const at = entry.indexOf('=');
    return at < 0 ? ([entry, ''] as const) : ([entry.slice(0, at), entry.slice(at + 1)] as const);
  });
  return {
    ...chosen(Object.entries(record.config.Labels ?? {}), options.labels, options['labels-regex']),
    ...chosen(variables, options.env, options['env-regex']),
  };
}

function chosen(
  all: readonly (readonly [string, string])[],
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const listed = new Set((names ?? '').split(',').filter((name) => name !== ''));
  const matches = pattern ? new RegExp(pattern, 'u') : undefined;
  return Object.fromEntries(all.filter(([name]) => listed.has(name) || matches?.test(name)));
}

/** What `logs --details` shows before each line: attributes by name, with the tag that was asked for. */
export function detailsOf(record: ContainerRecord): string {
  const { Type, Config } = record.body.HostConfig?.LogConfig ?? {};
  // Docker's own binary log, which is also the local copy of what goes elsewhere, keeps no attributes.
  if (Type && Type !== 'json-file' && Type !== 'k8s-file') return '';
  const tag = Config?.tag ? { tag: renderTag(Config.tag, record) } : {};
  return Object.entries({ ...logAttributes(record), ...tag })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${queryEscape(name)}=${queryEscape(value)}`)
    .join(',');
}

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replace(/%20/g, '+');
  return escaped.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
