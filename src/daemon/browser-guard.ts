import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { IechorError } from '../common/error.ts';

/** Throws FORBIDDEN for what a page of the web could have a browser send that has the user's certificate. */
export type BrowserGuard = (request: Pick<IncomingMessage, 'headers'>) => void;

/**
 * For requests over TCP: their `Host` is an address or a name of the engine's certificate (a foreign name that was made
 * to lead here is not served), and `Origin`, which only browsers and clients of WebSockets send, is the engine's own.
 */
export function createBrowserGuard(certificatePath: string): BrowserGuard {
  const certificate = new X509Certificate(readFileSync(certificatePath));
  // No page of the web has a name without a dot; clients put their own word there.
  const isOurs = (name: string) =>
    !name.includes('.') || name.endsWith('.localhost') || isIP(name) !== 0 || certificate.checkHost(name) !== undefined;
  return ({ headers: { host = '', origin } }) => {
    const name = URL.parse(`https://${host}`)?.hostname.replace(/^\[(.*)\]$/, '$1');
    if (name === undefined || !isOurs(name)) throw forbidden(`"${host}" is no name of this engine`);
    if (origin !== undefined && URL.parse(origin)?.host !== host)
      throw forbidden(`"${origin}" may not use this engine`);
  };
}

function forbidden(message: string): IechorError {
  return new IechorError('FORBIDDEN', message, {
    hint: 'clients call the engine by its address or a name of its certificate; pages of the web are not served',
  });
}
