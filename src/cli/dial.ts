import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { IechorError, messageOf } from '../common/error.ts';
import type { RemoteEndpoint } from './endpoint.ts';

/** Opens connections to an engine elsewhere: TLS with the client's certificate, or ssh. Throws USAGE for unreadable files. */
export async function dialer({ url, tls }: RemoteEndpoint): Promise<() => Duplex> {
  if (url.protocol === 'ssh:') {
    const { dialSsh } = await import('./dial-ssh.ts');
    return () => dialSsh(url);
  }
  const [ca, cert, key] = [readPem(tls?.ca), readPem(tls?.cert), readPem(tls?.key)];
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return () =>
    connectTls({
      host,
      port: Number(url.port || 2376),
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      rejectUnauthorized: tls?.skipVerify !== true,
      minVersion: 'TLSv1.2',
    });
}

function readPem(path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new IechorError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, {
      hint: 'it is named by --tlscacert, --tlscert or --tlskey, by DOCKER_CERT_PATH, or by the context',
      cause,
    });
  }
}
