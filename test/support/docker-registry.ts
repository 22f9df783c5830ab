import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { programPath } from './machine.ts';

/** Debian's docker-registry, on a loopback port of its own. */
export interface DockerRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly url: string;
  /** PEM of the authority that its certificate is of, with TLS. */
  readonly authority: string | undefined;
  stop(): Promise<void>;
}

export const registryProgram = programPath('docker-registry');
export const opensslProgram = programPath('openssl');

/** The user that `login: true` registries know. */
export const registryUser = { username: 'anna', password: 's3cret' };
/** bcrypt of that password, since nothing here makes one. */
const passwordHash = '$2b$04$R0Jb/AuACOjytx2re8qYG.r9KrzfGs9dgmBPCOiGZF4sjSRbM8VNK';

/** Starts it over a directory that the caller removes. */
export async function startDockerRegistry(
  directory: string,
  options: { readonly login?: boolean; readonly tls?: boolean } = {},
): Promise<DockerRegistry> {
  mkdirSync(directory, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const scheme = options.tls ? 'https' : 'http';
  const authority = options.tls ? makeCertificate(directory) : undefined;
  const config = join(directory, 'config.yml');
  writeFileSync(join(directory, 'htpasswd'), `${registryUser.username}:${passwordHash}\n`);
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: {level: error, accesslog: {disabled: true}}',
      `storage: {filesystem: {rootdirectory: ${join(directory, 'storage')}}, delete: {enabled: true}}`,
      `http: {addr: "${host}"${options.tls ? `, tls: {certificate: ${directory}/server.crt, key: ${directory}/server.key}` : ''}}`,
      ...(options.login ? [`auth: {htpasswd: {realm: registry, path: ${join(directory, 'htpasswd')}}}`] : []),
      '',
    ].join('\n'),
  );
  const server: ChildProcess = spawn(registryProgram ?? '', ['serve', config], { stdio: 'ignore' });
  const url = `${scheme}://${host}`;
  while (!(await answers(`${url}/v2/`))) {
    if (server.exitCode !== null) throw new Error(`docker-registry has ended with ${server.exitCode}`);
    await pause(50);
  }
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  return { host, url, authority, stop };
}

/** An authority, and a certificate of it for this machine. Returns the authority's. */
function makeCertificate(directory: string): string {
  const at = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync(opensslProgram ?? '', args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=test-ca', '-days', '30');
  openssl('req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=localhost');
  writeFileSync(at('san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signing = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '30'];
  openssl('x509', '-req', '-in', at('server.csr'), ...signing, '-extfile', at('san'), '-out', at('server.crt'));
  return readFileSync(at('ca.crt'), 'utf8');
}

/** Whether anything comes back, whatever it says. */
function answers(url: string): Promise<boolean> {
  if (url.startsWith('http:')) {
    return fetch(url).then(
      () => true,
      () => false,
    );
  }
  return new Promise((resolve) => {
    const asked = request(url, { rejectUnauthorized: false }, (reply) => {
      reply.resume();
      resolve(true);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
