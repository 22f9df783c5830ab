import { shortId } from '../../common/id.ts';
import type { ContainerRecord } from '../container-record.ts';
import { formatInstant } from '../instant.ts';
import type { LogLine } from './line-assembly.ts';
import { logAttributes } from './log-attributes.ts';
import { renderTag } from './log-tag.ts';

const errorPriority = '3';
const infoPriority = '6';

/** Fields that stand in every entry of a container, with the names that Docker writes. */
export function journalFields(record: ContainerRecord): Record<string, string> {
  const tag = renderTag(record.body.HostConfig?.LogConfig?.Config?.tag || '{{.ID}}', record);
  const attributes = Object.entries(logAttributes(record)).map(([name, value]) => [fieldName(name), value]);
  return {
    ...Object.fromEntries(attributes),
    CONTAINER_ID: shortId(record.id),
    CONTAINER_ID_FULL: record.id,
    CONTAINER_NAME: record.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: record.imageName,
    SYSLOG_IDENTIFIER: tag,
  };
}

/** Capitals, digits and underscores, none of these in front: what the journal takes for a name. */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^_+/, '');
}

/** One entry in the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). Pure. */
export function journalMessage(fields: Readonly<Record<string, string>>, line: LogLine, ordinal: number): Buffer {
  const { piece } = line;
  const own = {
    PRIORITY: line.stderr ? errorPriority : infoPriority,
    SYSLOG_TIMESTAMP: formatInstant(line.nano),
    CONTAINER_LOG_ORDINAL: String(ordinal),
    ...(piece && {
      CONTAINER_PARTIAL_ID: piece.id,
      CONTAINER_PARTIAL_ORDINAL: String(piece.ordinal),
      CONTAINER_PARTIAL_LAST: String(piece.last),
      ...(!piece.last && { CONTAINER_PARTIAL_MESSAGE: 'true' }),
    }),
  };
  const texts = Object.entries({ ...fields, ...own }).filter(([name]) => name !== '');
  return Buffer.concat([field('MESSAGE', line.data), ...texts.map(([name, value]) => field(name, Buffer.from(value)))]);
}

/** `NAME=value`, or with the length of the value where it has lines. */
function field(name: string, value: Buffer): Buffer {
  const end = Buffer.from('\n');
  if (!value.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), value, end]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, end]);
}
