import { statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { codeOf, IechorError } from '../../common/error.ts';
import { goBool } from './log-values.ts';

const facilities: readonly string[] = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['', '', '', '', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];
const daemonFacility = 3;
const standardPort = 514;

/** How the text of a message is set; `unix` is what goes to the host's own syslog. */
export type SyslogFormat = 'unix' | 'rfc3164' | 'rfc5424' | 'rfc5424micro';

/** Where messages go: a socket of the host (`local`: the first that is there of the usual ones), or a server. */
export type SyslogTarget =
  | { readonly kind: 'local' }
  | { readonly kind: 'unix' | 'unixgram'; readonly path: string }
  | { readonly kind: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly tls: SyslogTls };

export interface SyslogTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly skipVerify: boolean;
}

export interface SyslogOptions {
  readonly target: SyslogTarget;
  readonly facility: number;
  readonly format: SyslogFormat;
}

/** What the options of the syslog driver say. Throws BAD_REQUEST in Docker's words. */
export function syslogOptions(options: Readonly<Record<string, string>>): SyslogOptions {
  return {
    target: targetOf(options['syslog-address'] ?? '', options),
    facility: facilityOf(options['syslog-facility'] ?? ''),
    format: formatOf(options['syslog-format'] ?? ''),
  };
}

function targetOf(address: string, options: Readonly<Record<string, string>>): SyslogTarget {
  if (address === '') return { kind: 'local' };
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(address) ?? [];
  if (scheme === 'unix' || scheme === 'unixgram') {
    refuseMissing(rest);
    return { kind: scheme, path: rest };
  }
  if (scheme !== 'udp' && scheme !== 'tcp' && scheme !== 'tcp+tls') throw bad(`unsupported scheme: '${scheme}'`);
  const place = hostAndPort(rest.replace(/\/.*$/s, ''), address);
  if (scheme !== 'tcp+tls') return { kind: scheme, ...place };
  return { kind: 'tls', ...place, tls: tlsOf(options) };
}

function refuseMissing(path: string): void {
  try {
    statSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    throw bad(`stat ${path}: no such file or directory`);
  }
}

function hostAndPort(text: string, address: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? standardPort : Number(port);
  if (host === undefined || (bracketed !== undefined && !isIPv6(bracketed)) || number < 1 || number > 65_535) {
    throw bad(`invalid syslog address: ${address}`, 'write for example tcp://192.168.0.42:514');
  }
  return { host: host || 'localhost', port: number };
}

function tlsOf(options: Readonly<Record<string, string>>): SyslogTls {
  const files = { ca: 'syslog-tls-ca-cert', cert: 'syslog-tls-cert', key: 'syslog-tls-key' };
  const given = Object.entries(files).flatMap(([name, option]) => {
    const path = options[option];
    return path ? [[name, path]] : [];
  });
  const skip = options['syslog-tls-skip-verify'] ?? '';
  // Docker takes any text for yes.
  return { ...Object.fromEntries(given), skipVerify: skip !== '' && goBool(skip) !== false };
}

function facilityOf(text: string): number {
  if (text === '') return daemonFacility;
  const index = /^\d{1,2}$/.test(text) ? Number(text) : facilities.indexOf(text);
  if (index >= 0 && facilities[index]) return index;
  throw bad('invalid syslog facility', `known: ${facilities.filter((name) => name !== '').join(', ')}`);
}

function formatOf(text: string): SyslogFormat {
  if (text === '') return 'unix';
  if (text === 'rfc3164' || text === 'rfc5424' || text === 'rfc5424micro') return text;
  throw bad('Invalid syslog format', 'known: rfc3164, rfc5424, rfc5424micro');
}

function bad(message: string, hint?: string): IechorError {
  return new IechorError('BAD_REQUEST', message, { hint });
}
