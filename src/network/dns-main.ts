/**
 * The resolver process: answers the containers' name queries inside their namespaces and holds their published ports,
 * also while there is no daemon. Started as `dns-main.ts <directory>`; see README.md.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { codeOf, messageOf } from '../common/error.ts';
import { createLog } from '../common/log.ts';
import { createAnswering, hostServerReader } from './dns-answer.ts';
import { createDnsCache } from './dns-cache.ts';
import { createForwarder } from './dns-forward.ts';
import { type DnsReply, type DnsRequest, lineSplitter, type Numbered, protocolVersion } from './dns-protocol.ts';
import { createListeners, type Listeners } from './dns-server.ts';
import { createZone } from './dns-zone.ts';

const orphanCheckMs = 30_000;

function main(directory: string): void {
  const log = createLog('info');
  const zone = createZone();
  const forwarder = createForwarder(createDnsCache());
  const listeners = createListeners(zone, { answer: createAnswering(zone, forwarder, hostServerReader()), log });
  const socketPath = join(directory, 'control.sock');
  const stop = (status: number) => {
    rmSync(socketPath, { force: true });
    rmSync(join(directory, 'pid'), { force: true });
    process.exit(status);
  };
  process.umask(0o077);
  let connections = 0;
  const server = createServer((connection) => {
    connections += 1;
    connection.on('close', () => {
      connections -= 1;
    });
    serve(connection, { listeners, stop });
  });
  server.on('error', (error) => {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    // Either another process of this directory lives, or one has died here.
    const probe = connect(socketPath);
    probe.on('connect', () => process.exit(0));
    probe.on('error', () => {
      rmSync(socketPath, { force: true });
      server.listen(socketPath);
    });
  });
  server.on('listening', () => {
    writeFileSync(join(directory, 'pid'), `${process.pid}\n`);
    const { ino } = statSync(socketPath);
    let idle = 0;
    setInterval(() => {
      idle = connections === 0 && zone.all().length === 0 ? idle + 1 : 0;
      if (idle > 1) stop(0);
      // Without its socket nobody can reach this process any more, as when the directory was deleted.
      if (statSync(socketPath, { throwIfNoEntry: false })?.ino !== ino) process.exit(0);
    }, orphanCheckMs);
  });
  server.listen(socketPath);
  process.on('SIGTERM', () => stop(0));
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
}

function serve(connection: Socket, at: { listeners: Listeners; stop(status: number): void }): void {
  connection.setEncoding('utf8');
  connection.on('error', () => connection.destroy());
  connection.on(
    'data',
    lineSplitter((line) => {
      const request = JSON.parse(line) as Numbered<DnsRequest>;
      const reply: Numbered<DnsReply> = {
        seq: request.seq,
        version: protocolVersion,
        pid: process.pid,
        failures: perform(request, at.listeners),
      };
      connection.write(`${JSON.stringify(reply)}\n`, () => {
        if (request.op === 'stop') at.stop(0);
      });
    }),
  );
}

function perform(request: DnsRequest, listeners: Listeners): DnsReply['failures'] {
  try {
    switch (request.op) {
      case 'set': {
        const failure = listeners.set(request.sandbox);
        return failure ? [failure] : [];
      }
      case 'remove':
        listeners.remove(request.id);
        return [];
      case 'replace':
        return listeners.replace(request.sandboxes);
      default:
        return [];
    }
  } catch (error) {
    return [{ id: '', message: messageOf(error) }];
  }
}

main(process.argv[2] ?? '/run/iechor/dns');
