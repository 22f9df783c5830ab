import { createSocket } from 'node:dgram';
import { readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { codeOf, IechorError, messageOf } from '../../common/error.ts';
import { openUnixDatagram } from '../../host/unix-datagram.ts';
import type { SyslogTarget, SyslogTls } from './syslog-options.ts';

/** The way to who takes the messages. */
export interface LogSink {
  /** Resolves when they are on their way: the next ones may come. Rejects when nobody is there any more. */
  send(messages: readonly Buffer[]): Promise<void>;
  close(): void;
}

const connectTimeoutMs = 10_000;

/**
 * Opens the way to a syslog server; on a stream so many bytes may wait while more is sent. Rejects in Docker's words where
 * there is none (UDP has no such word).
 */
export async function openSyslogSink(target: SyslogTarget, bufferBytes = 0): Promise<LogSink> {
  switch (target.kind) {
    case 'local':
      return localSink();
    case 'unixgram':
      return datagramSink(target.path);
    case 'unix':
      return streamSink(() => connect(target.path), { what: `dial unix ${target.path}`, bufferBytes });
    case 'udp':
      return udpSink(target);
    case 'tcp':
      return streamSink(() => connect(target), { what: `dial tcp ${target.host}:${target.port}`, bufferBytes });
    case 'tls': {
      const options = { ...tlsFiles(target.tls), host: target.host, port: target.port };
      const what = `dial tcp ${target.host}:${target.port}`;
      return streamSink(() => connectTls(options), { what, bufferBytes, ready: 'secureConnect' });
    }
  }
}

/** Opens the way to the host's journal. Rejects where there is none. */
export async function openJournalSink(socket: string): Promise<LogSink> {
  try {
    return datagramSink(socket);
  } catch (error) {
    throw new IechorError('HOST_UNSUPPORTED', 'journald is not enabled on this host', {
      hint: `nobody listens at ${socket}`,
      cause: error,
    });
  }
}

function datagramSink(path: string): LogSink {
  const socket = openUnixDatagram(path);
  return {
    send: async (messages) => {
      for (const message of messages) await socket.send(message);
    },
    close: socket.close,
  };
}

const localSockets = ['/dev/log', '/var/run/syslog', '/var/run/log'];

function localSink(): LogSink {
  const path = localSockets.find((each) => statSync(each, { throwIfNoEntry: false })?.isSocket());
  if (path !== undefined) return datagramSink(path);
  throw new IechorError('HOST_UNSUPPORTED', 'Unix syslog delivery error', {
    hint: `none of ${localSockets.join(', ')} is there: name a server with syslog-address`,
  });
}

/** Messages nobody takes are lost, as is UDP's way. */
async function udpSink({ host, port }: { readonly host: string; readonly port: number }): Promise<LogSink> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.unref();
  const send = (message: Buffer) => new Promise<void>((resolve) => socket.send(message, port, host, () => resolve()));
  return {
    send: async (messages) => {
      for (const message of messages) await send(message);
    },
    close: () => socket.close(),
  };
}

async function streamSink(
  open: () => Socket,
  options: { readonly what: string; readonly bufferBytes: number; readonly ready?: string },
): Promise<LogSink> {
  const { what, ready = 'connect', bufferBytes } = options;
  const socket = open();
  socket.unref();
  // A server says nothing: what it says all the same is not kept.
  socket.resume();
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => {
      socket.destroy();
      reject(new IechorError('ENGINE_ERROR', `${what}: ${inDockersWords(error)}`, { cause: error }));
    };
    socket.setTimeout(connectTimeoutMs, () => fail(new Error('i/o timeout')));
    socket.once('error', fail);
    socket.once(ready, () => resolve());
  });
  socket.setTimeout(0);
  socket.setKeepAlive(true, 15_000);
  let lost: unknown;
  const onLost: (() => void)[] = [];
  const lose = (error: unknown) => {
    lost ??= error;
    for (const each of onLost.splice(0)) each();
  };
  socket.on('error', lose);
  socket.on('end', () => lose(new Error('the server has closed the connection')));
  socket.on('close', () => lose(new Error('the connection is closed')));
  return {
    send: (messages) =>
      new Promise((resolve, reject) => {
        if (lost !== undefined) return reject(lost);
        onLost.push(() => reject(lost));
        socket.write(Buffer.concat(messages), (error) => {
          onLost.length = 0;
          if (error) reject(error);
          else resolve();
        });
        if (socket.writableLength < bufferBytes) resolve();
      }),
    close: () => socket.destroy(),
  };
}

const systemWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ENOENT: 'connect: no such file or directory',
  ENOTFOUND: 'no such host',
};

function inDockersWords(error: unknown): string {
  return systemWords[codeOf(error) ?? ''] ?? messageOf(error);
}

function tlsFiles({ ca, cert, key, skipVerify }: SyslogTls) {
  const read = (path: string, what: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new IechorError('BAD_REQUEST', `could not read ${what} ${JSON.stringify(path)}: ${messageOf(error)}`);
    }
  };
  return {
    rejectUnauthorized: !skipVerify,
    ...(ca && { ca: read(ca, 'CA certificate') }),
    ...(cert && { cert: read(cert, 'client certificate') }),
    ...(key && { key: read(key, 'client key') }),
  };
}
