import type { Volume } from '../api/types/network.ts';
import type { Column, Row } from './render/format.ts';

export const volumeColumns: readonly Column[] = [
  { title: 'DRIVER', field: 'Driver' },
  { title: 'VOLUME NAME', field: 'Name' },
];

/** Volumes as `volume ls --format` sees them, by name: Docker's field names. */
export function volumeRows(volumes: readonly Volume[]): Row[] {
  return [...volumes]
    .sort((a, b) => a.Name.localeCompare(b.Name))
    .map((volume) => ({
      Driver: volume.Driver,
      Name: volume.Name,
      Mountpoint: volume.Mountpoint,
      Scope: volume.Scope,
      Labels: Object.entries(volume.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: string) => volume.Labels?.[key] ?? '',
    }));
}
