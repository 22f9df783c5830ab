import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { programPath } from '../../support/machine.ts';
import { createTestRoot, isRoot, output, type TestEngine, type TestRoot, until } from './support.ts';

const daemon = '/lib/systemd/systemd-journald';
const lacking = [
  ...(isRoot ? [] : ['root rights']),
  ...(existsSync(daemon) ? [] : [daemon]),
  ...['journalctl', 'unshare'].filter((name) => !programPath(name)),
];
if (lacking.length > 0) console.warn(`SKIPPED: a real journal: this machine lacks ${lacking.join(', ')}`);

/** A journal of the test's own: systemd's daemon, whose /run and configuration nobody else sees. */
function startJournal(dir: string): ChildProcess {
  for (const name of ['journal', 'log']) mkdirSync(join(dir, name));
  const settings = ['Storage=volatile', 'Audit=no', 'ReadKMsg=no', 'RateLimitIntervalSec=0'];
  writeFileSync(join(dir, 'journald.conf'), ['[Journal]', ...settings, ''].join('\n'));
  writeFileSync(join(dir, 'machine-id'), `${'ab'.repeat(16)}\n`);
  const script = [
    'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal',
    'mount --bind "$1/journal" /run/systemd/journal && mount --bind "$1/log" /run/log/journal',
    'mkdir -p /etc/systemd && mount -t tmpfs tmpfs /etc/systemd && cp "$1/journald.conf" /etc/systemd/',
    '{ test -e /etc/machine-id || : > /etc/machine-id; } && mount --bind "$1/machine-id" /etc/machine-id',
    `exec ${daemon}`,
  ];
  return spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-ec', script.join('\n'), 'sh', dir], {
    stdio: 'inherit',
  });
}

(lacking.length > 0 ? describe.skip : describe)('the journal of systemd', () => {
  let root: TestRoot;
  let t: TestEngine;
  let dir: string;
  let journal: ChildProcess;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-journal-'));
    journal = startJournal(dir);
    root = createTestRoot();
    t = await root.open();
    await until('the journal listens', () => existsSync(join(dir, 'journal/socket')));
    symlinkSync(join(dir, 'journal/socket'), t.context.settings.journalSocket);
  });
  afterAll(async () => {
    await root?.destroy();
    journal?.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  const entries = (id: string): readonly Readonly<Record<string, string>>[] =>
    execFileSync('journalctl', ['-D', join(dir, 'log'), '--all', '-o', 'json', `CONTAINER_ID_FULL=${id}`])
      .toString()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  test('has a container’s lines with Docker’s fields, long ones in pieces, and the engine still reads them', async () => {
    const Config = { tag: 'tagged/{{.Name}}', labels: 'team' };
    const long = 'x'.repeat(40_000);
    const Cmd = ['sh', '-c', `echo out; echo err >&2; head -c ${long.length} /dev/zero | busybox tr '\\0' x; echo`];
    const HostConfig = { LogConfig: { Type: 'journald', Config } };
    const body = { Image: 'busybox', Cmd, Labels: { team: 'blue' }, HostConfig };
    const { Id: id } = await t.engine.containerCreate({ body, name: 'journaled' });
    await t.engine.containerStart({ id });
    await t.engine.containerWait({ id });
    await until('all of it is there', () => {
      const there = entries(id);
      const isThere = (text: string) => there.some(({ MESSAGE }) => MESSAGE === text);
      return isThere('out') && isThere('err') && there.some((entry) => entry.CONTAINER_PARTIAL_LAST === 'true');
    });
    const all = entries(id);
    const tag = 'tagged/journaled';
    for (const entry of all) {
      expect(entry).toMatchObject({ CONTAINER_ID: id.slice(0, 12), CONTAINER_NAME: 'journaled', CONTAINER_TAG: tag });
      expect(entry).toMatchObject({ IMAGE_NAME: 'busybox', SYSLOG_IDENTIFIER: tag, TEAM: 'blue' });
      expect(entry.SYSLOG_TIMESTAMP).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    expect(new Set(all.map((entry) => entry.CONTAINER_LOG_EPOCH)).size).toBe(1);
    expect(all.map((entry) => Number(entry.CONTAINER_LOG_ORDINAL))).toEqual(all.map((_, at) => at + 1));
    const byMessage = (text: string) => all.find(({ MESSAGE }) => MESSAGE === text);
    expect([byMessage('out')?.PRIORITY, byMessage('err')?.PRIORITY]).toEqual(['6', '3']);
    const pieces = all.filter((entry) => entry.CONTAINER_PARTIAL_ID !== undefined);
    expect(pieces.map(({ MESSAGE }) => MESSAGE).join('')).toBe(long);
    expect(pieces.map((entry) => entry.CONTAINER_PARTIAL_ORDINAL)).toEqual(['1', '2', '3']);
    expect(pieces.map((entry) => entry.CONTAINER_PARTIAL_MESSAGE)).toEqual(['true', 'true', undefined]);
    expect(await output(t.engine, id, 'stdout')).toBe(`out\n${long}\n`);
    expect(await output(t.engine, id, 'stderr')).toBe('err\n');
  });
});
