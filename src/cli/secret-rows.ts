import type { Secret } from '../api/types/secret.ts';
import { humanDuration } from '../common/duration.ts';
import type { Column, Row } from './render/format.ts';

export const configColumns: readonly Column[] = [
  { title: 'ID', field: 'ID' },
  { title: 'NAME', field: 'Name' },
  { title: 'CREATED', field: 'CreatedAt' },
  { title: 'UPDATED', field: 'UpdatedAt' },
];

export const secretColumns: readonly Column[] = [
  ...configColumns.slice(0, 2),
  { title: 'DRIVER', field: 'Driver' },
  ...configColumns.slice(2),
];

/** Secrets or configs as `ls --format` sees them, by name: Docker's field names. */
export function secretRows(found: readonly Secret[]): Row[] {
  const ago = (time: string) => `${humanDuration((Date.now() - Date.parse(time)) / 1000)} ago`;
  return [...found]
    .sort((a, b) => a.Spec.Name.localeCompare(b.Spec.Name))
    .map(({ ID, Spec, CreatedAt, UpdatedAt }) => ({
      ID,
      Name: Spec.Name,
      Driver: Spec.Driver?.Name ?? '',
      CreatedAt: ago(CreatedAt),
      UpdatedAt: ago(UpdatedAt),
      Labels: Object.entries(Spec.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: string) => Spec.Labels?.[key] ?? '',
    }));
}
