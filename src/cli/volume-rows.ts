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
      Availability: 'N/A',
      Driver: volume.Driver,
      Group: 'N/A',
      Name: volume.Name,
      Mountpoint: volume.Mountpoint,
      Links: 'N/A',
      Scope: volume.Scope,
      Size: 'N/A',
      Status: 'N/A',
      Labels: Object.entries(volume.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      Label: (key: string) => volume.Labels?.[key] ?? '',
    }));
}
