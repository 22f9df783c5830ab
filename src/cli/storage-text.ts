import type { StorageReply } from '../api/types/system.ts';
import { formatBytes } from '../common/bytes.ts';
import { renderTable } from './render/table.ts';

/** Where the bytes of the data root are, and their sum. */
export function storageText({ parts, totalBytes }: StorageReply): string {
  const rows = [...parts, { name: 'total', sizeBytes: totalBytes }];
  return renderTable(
    ['DATA ROOT', 'SIZE'],
    rows.map(({ name, sizeBytes }) => [name, formatBytes(sizeBytes)]),
  );
}
