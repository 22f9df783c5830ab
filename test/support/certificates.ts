import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A CA, a server's certificate for 127.0.0.1 and a client's, as PEM files in a directory: ca, server, client (+ -key). */
export function makeCertificates(openssl: string, directory: string): (name: string) => string {
  mkdirSync(directory, { recursive: true });
  const path = (name: string) => join(directory, `${name}.pem`);
  const run = (...args: string[]) => execFileSync(openssl, args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  run('req', '-x509', ...key, '-days', '2', '-subj', '/CN=tests', '-keyout', path('ca-key'), '-out', path('ca'));
  for (const [name, usage] of [
    ['server', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'],
    ['client', 'extendedKeyUsage=clientAuth\n'],
  ] as const) {
    writeFileSync(join(directory, `${name}.ext`), usage);
    run('req', ...key, '-subj', `/CN=${name}`, '-keyout', path(`${name}-key`), '-out', join(directory, `${name}.csr`));
    const signing = ['-CA', path('ca'), '-CAkey', path('ca-key'), '-CAcreateserial', '-days', '2'];
    const files = [
      '-in',
      join(directory, `${name}.csr`),
      '-out',
      path(name),
      '-extfile',
      join(directory, `${name}.ext`),
    ];
    run('x509', '-req', ...signing, ...files);
  }
  return path;
}
