import type { Secret } from '../api/types/secret.ts';

/** A secret as `inspect --pretty` shows it: Docker's lines. */
export function prettySecret(secret: Secret): string {
  const { ID, Spec, CreatedAt, UpdatedAt } = secret;
  return [
    `ID:              ${ID}`,
    `Name:              ${Spec.Name}`,
    ...labelLines(secret),
    `Driver:            ${Spec.Driver?.Name ?? ''}`,
    `Created at:        ${instant(CreatedAt)}`,
    `Updated at:        ${instant(UpdatedAt)}`,
  ].join('\n');
}

/** A config as `inspect --pretty` shows it, with its content. */
export function prettyConfig(config: Secret): string {
  const { ID, Spec, CreatedAt, UpdatedAt } = config;
  return [
    `ID:\t\t\t${ID}`,
    `Name:\t\t\t${Spec.Name}`,
    ...labelLines(config),
    `Created at:            \t${instant(CreatedAt)}`,
    `Updated at:            \t${instant(UpdatedAt)}`,
    'Data:',
    Buffer.from(Spec.Data ?? '', 'base64').toString(),
  ].join('\n');
}

function labelLines({ Spec }: Secret): string[] {
  const labels = Object.entries(Spec.Labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (labels.length === 0) return [];
  return ['Labels:', ...labels.map(([key, value]) => ` - ${key}${value ? `=${value}` : ''}`)];
}

/** As Go writes an instant in UTC, in lower case, as Docker does here. */
const instant = (time: string): string =>
  time
    .replace('T', ' ')
    .replace(/(\.\d*?)0*Z$|Z$/, '$1 +0000 utc')
    .replace('. ', ' ');
