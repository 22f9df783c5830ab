import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { codeOf, IechorError, messageOf } from '../common/error.ts';

/** What a TLS connection to a host uses besides the machine's own authorities. */
export interface Certificates {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads `<directory>/<host[:port]>/`: `*.crt` are authorities that are trusted besides the usual ones, `NAME.cert` with
 * `NAME.key` is what we show of ourselves. Undefined where there is no such directory. Throws DAEMON_CONFIG.
 */
export function certificatesOf(host: string, directories: readonly string[]): Certificates | undefined {
  // A host comes from a reference or a redirect: it names no other place.
  if (!/^[A-Za-z0-9.:[\]-]+$/.test(host) || host.startsWith('.')) return undefined;
  for (const directory of directories) {
    const place = join(directory, host);
    const names = namesIn(place);
    if (names !== undefined) return readCertificates(place, names);
  }
  return undefined;
}

function readCertificates(place: string, names: readonly string[]): Certificates {
  const read = (name: string): string => {
    try {
      return readFileSync(join(place, name), 'utf8');
    } catch (cause) {
      throw new IechorError('DAEMON_CONFIG', `cannot read a certificate: ${messageOf(cause)}`, { cause });
    }
  };
  const authorities = names.filter((name) => name.endsWith('.crt')).map(read);
  const own = names.find((name) => name.endsWith('.cert'));
  if (own !== undefined && !names.includes(own.replace(/\.cert$/, '.key'))) {
    throw new IechorError('DAEMON_CONFIG', `${join(place, own)} has no key beside it`, {
      hint: `put it at ${join(place, own.replace(/\.cert$/, '.key'))}`,
    });
  }
  return {
    ...(authorities.length > 0 && { ca: [...authorities, ...rootCertificates] }),
    ...(own !== undefined && { cert: read(own), key: read(own.replace(/\.cert$/, '.key')) }),
  };
}

function namesIn(place: string): readonly string[] | undefined {
  try {
    return readdirSync(place).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw new IechorError('DAEMON_CONFIG', `cannot read the certificates of a registry: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
