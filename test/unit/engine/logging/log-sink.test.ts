import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { expect, test } from '@jest/globals';
import { openSyslogSink } from '../../../../src/engine/logging/log-sink.ts';
import { syslogOptions } from '../../../../src/engine/logging/syslog-options.ts';
import { findProgram } from '../../../../src/host/runtime-probe.ts';
import { makeCertificates } from '../../../support/certificates.ts';

const openssl = findProgram('openssl');
if (openssl === undefined) console.warn('SKIPPED: syslog over TLS: this machine lacks openssl');
const tlsTest = openssl === undefined ? test.skip : test;

tlsTest('over TLS both sides show certificates, and a server of another CA gets nothing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'iechor-syslog-tls-'));
  const [ours, foreign] = ['ours', 'foreign'].map((name) => makeCertificates(openssl ?? '', join(dir, name)));
  const pem = (name: string) => readFileSync(ours?.(name) ?? '');
  let text = '';
  const server = createServer(
    { ca: pem('ca'), cert: pem('server'), key: pem('server-key'), requestCert: true },
    (socket) =>
      socket.on('data', (data) => {
        text += data;
      }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const target = (ca: string | undefined) =>
    syslogOptions({
      'syslog-address': `tcp+tls://127.0.0.1:${port}`,
      'syslog-tls-ca-cert': ca ?? '',
      'syslog-tls-cert': ours?.('client') ?? '',
      'syslog-tls-key': ours?.('client-key') ?? '',
    }).target;
  try {
    await expect(openSyslogSink(target(foreign?.('ca')))).rejects.toThrow('dial tcp 127.0.0.1');
    await expect(openSyslogSink(target('/nope'))).rejects.toThrow('could not read CA certificate "/nope"');
    const sink = await openSyslogSink(target(ours?.('ca')));
    await sink.send([Buffer.from('hello\n'), Buffer.from('again\n')]);
    while (!text.includes('again')) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(text).toBe('hello\nagain\n');
    sink.close();
  } finally {
    server.close();
    rmSync(dir, { recursive: true });
  }
});
