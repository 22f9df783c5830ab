import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer, type Server as TlsServer } from 'node:tls';
import { IechorError, messageOf } from '../common/error.ts';
import { type BrowserGuard, createBrowserGuard } from './browser-guard.ts';
import type { TlsOptions } from './options.ts';

/** Those who have not shown a certificate yet are among them. */
const mostConnections = 2048;

/**
 * Serves an HTTP server's requests over TLS on a TCP address as well, to clients with a certificate of the CA alone.
 * Resolves with what closes the port. Throws DAEMON_CONFIG.
 */
export async function bindTls(
  server: Server,
  host: string,
  { files, guards }: { readonly files: TlsOptions; readonly guards: WeakMap<object, BrowserGuard> },
): Promise<{ close(): void }> {
  const { hostname, port } = new URL(host);
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const tls = listenerOf(files);
  const guard = createBrowserGuard(files.cert);
  tls.maxConnections = mostConnections;
  tls.on('secureConnection', (socket) => {
    guards.set(socket, guard);
    server.emit('connection', socket);
  });
  await new Promise<void>((resolve, reject) => {
    tls.once('error', (cause) =>
      reject(
        new IechorError('DAEMON_CONFIG', `cannot listen on ${host}: ${messageOf(cause)}`, {
          hint: 'is the address one of this machine, and the port free?',
          cause,
        }),
      ),
    );
    tls.listen(Number(port), address, resolve);
  });
  // A client that breaks off its handshake, or comes without a certificate, is its own affair.
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  return tls;
}

function listenerOf({ ca, cert, key }: TlsOptions): TlsServer {
  try {
    return createServer({
      ca: readFileSync(ca),
      cert: readFileSync(cert),
      key: readFileSync(key),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      handshakeTimeout: 30_000,
    });
  } catch (cause) {
    throw new IechorError('DAEMON_CONFIG', `the TLS files cannot be used: ${messageOf(cause)}`, {
      hint: '--tlscacert, --tlscert and --tlskey name PEM files that belong together',
      cause,
    });
  }
}
