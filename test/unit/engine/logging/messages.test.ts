import { expect, test } from '@jest/globals';
import type { ContainerRecord } from '../../../../src/engine/container-record.ts';
import { parseEntry } from '../../../../src/engine/log-format.ts';
import { journalFields, journalMessage } from '../../../../src/engine/logging/journal-message.ts';
import { createLineAssembly, type LogLine } from '../../../../src/engine/logging/line-assembly.ts';
import { type SyslogSource, syslogMessage } from '../../../../src/engine/logging/syslog-message.ts';

const entry = (text: string, tag = 'F', stream = 'stdout') => {
  const parsed = parseEntry(Buffer.from(`2026-01-02T03:04:05.123456789+00:00 ${stream} ${tag} ${text}\n`));
  if (!parsed) throw new Error('no entry');
  return parsed;
};
const line = (text: string, stderr = false): LogLine => ({
  stderr,
  nano: BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1_000_000n + 123_456_789n,
  data: Buffer.from(text),
});

test('entries are joined to lines, streams apart', () => {
  const assembly = createLineAssembly();
  const lines = [entry('ha', 'P'), entry('err', 'F', 'stderr'), entry('lf')].flatMap(assembly.add);
  expect(lines.map(({ stderr, data, piece }) => [stderr, data.toString(), piece])).toEqual([
    [true, 'err', undefined],
    [false, 'half', undefined],
  ]);
  expect(assembly.pending).toBe(false);
});

test('a line of more than 16 KiB comes in pieces that say so', () => {
  const assembly = createLineAssembly();
  const pieces = [...Array.from({ length: 5 }, () => entry('x'.repeat(8192), 'P')), entry('end')].flatMap(assembly.add);
  expect(pieces.map(({ data, piece }) => [data.length, piece?.ordinal, piece?.last])).toEqual([
    [16384, 1, false],
    [16384, 2, false],
    [8195, 3, true],
  ]);
  expect(new Set(pieces.map(({ piece }) => piece?.id)).size).toBe(1);
});

test('messages of syslog have Docker’s forms, with the time of the line', () => {
  const source: SyslogSource = {
    ...{ format: 'rfc5424micro', facility: 3, tag: 'web', hostname: 'host', processId: 7, framed: false },
  };
  const text = (change: Partial<SyslogSource>, of = line('hello')) =>
    String(syslogMessage({ ...source, ...change }, of));
  // Hours and minutes are those of this machine's own time zone.
  const clock = /\d\d:\d\d:05/.source;
  expect(text({})).toMatch(new RegExp(`^<30>1 2026-01-0[123]T${clock}\\.123456\\S+ host web 7 web - hello\\n$`));
  expect(text({ format: 'rfc5424' })).toMatch(
    new RegExp(`^<30>1 2026-01-0[123]T${clock}(Z|[+-]\\S+) host web 7 web - hello\\n$`),
  );
  expect(text({ format: 'rfc3164', facility: 16 }, line('no', true))).toMatch(
    new RegExp(`^<131>Jan  [123] ${clock} host web\\[7\\]: no\\n$`),
  );
  expect(text({ format: 'unix' })).toMatch(new RegExp(`^<30>Jan  [123] ${clock} web\\[7\\]: hello\\n$`));
  const [, length = '', message = ''] = /^(\d+) (.*)$/s.exec(text({ framed: true })) ?? [];
  expect(message.length).toBe(Number(length));
});

test('entries of the journal have Docker’s fields, with the length of values of several lines', () => {
  const record = {
    ...{ id: '3efbe5b999f1c33afcde84a5578b0b6bb5209c5c43ae4ca359eaa669e5846c81', name: 'web', imageName: 'busybox' },
    ...{ env: [], config: { Labels: { 'com.example/team': 'a\nb' } } },
    body: {
      HostConfig: { LogConfig: { Type: 'journald', Config: { labels: 'com.example/team', tag: 't-{{.Name}}' } } },
    },
  } as unknown as ContainerRecord;
  const piece = { id: 'p', ordinal: 1, last: false };
  const message = journalMessage(journalFields(record), { ...line('hi', true), piece }, 5).toString('latin1');
  for (const field of [
    ...['MESSAGE=hi', 'PRIORITY=3', 'CONTAINER_ID=3efbe5b999f1', `CONTAINER_ID_FULL=${record.id}`],
    ...['CONTAINER_NAME=web', 'CONTAINER_TAG=t-web', 'SYSLOG_IDENTIFIER=t-web', 'IMAGE_NAME=busybox'],
    ...['CONTAINER_PARTIAL_MESSAGE=true', 'CONTAINER_PARTIAL_ID=p', 'CONTAINER_PARTIAL_LAST=false'],
    ...['SYSLOG_TIMESTAMP=2026-01-02T03:04:05.123456789Z', 'CONTAINER_LOG_ORDINAL=5'],
  ]) {
    expect(`\n${message}`).toContain(`\n${field}\n`);
  }
  expect(message).toContain('COM_EXAMPLE_TEAM\n\x03\0\0\0\0\0\0\0a\nb\n');
});
