import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeCertificates } from '../support/certificates.ts';
import { opensslProgram } from '../support/docker-registry.ts';
import { freePort } from '../support/free-port.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('an engine elsewhere', () => {
  let engine: PrivateEngine;
  let config: Record<string, string>;
  let home: string;
  beforeAll(() => {
    engine = createPrivateEngine();
    home = join(engine.dir, 'config');
    config = { IECHOR_CONFIG: home };
  });
  afterAll(() => engine.dispose());

  test('over ssh, all goes through one command of the other machine', () => {
    importBusybox(engine);
    // In place of ssh and another machine: what would run there runs here.
    const bin = join(engine.dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'ssh'), '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
    chmodSync(join(bin, 'ssh'), 0o755);
    const env = { PATH: `${bin}:${dirname(engine.program)}:${process.env.PATH}` };
    const far = ['-H', 'ssh://me@far'];
    expect(engine.iechor([...far, 'run', '-d', '--name', 'far', 'busybox', 'sleep', '60'], { env }).exit).toBe(0);
    expect(engine.iechor([...far, 'exec', '-i', 'far', 'cat'], { env, input: 'through\n' }).stdout).toBe('through\n');
    expect(engine.iechor(['ps', '--format', '{{.Names}}']).stdout).toBe('far\n');
    writeFileSync(join(bin, 'ssh'), '#!/bin/sh\necho "far: Permission denied" >&2; exit 255\n');
    const refused = engine.iechor([...far, 'ps'], { env });
    expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining('far: Permission denied')]);
  });

  (opensslProgram ? test : test.skip)('over TCP, only for clients with a certificate, named by a context', async () => {
    engine.iechor(['rm', '-f', 'far']);
    expect(engine.iechor(['daemon', 'stop']).exit).toBe(0);
    const pem = makeCertificates(opensslProgram ?? '', join(engine.dir, 'pem'));
    const port = await freePort();
    const host = `tcp://127.0.0.1:${port}`;
    mkdirSync(join(engine.dir, 'etc'));
    const daemon = { tlsverify: true, tlscacert: pem('ca'), tlscert: pem('server'), tlskey: pem('server-key') };
    const hosts = [`unix://${engine.socketPath}`, host];
    writeFileSync(join(engine.dir, 'etc/iechord.json'), JSON.stringify({ ...daemon, hosts }));
    const roots = ['--data-root', join(engine.dir, 'data'), '--exec-root', join(engine.dir, 'run')];
    const options = [...roots, '--config-file', join(engine.dir, 'etc/iechord.json')];
    spawn(resolve('bin/iechord'), options, { detached: true, stdio: 'ignore' }).unref();
    await eventually('the daemon', () => engine.daemonPid() !== undefined);

    const run = (args: readonly string[], env = {}) => engine.iechor(args, { env: { ...config, ...env } });
    const tls = `ca=${pem('ca')},cert=${pem('client')},key=${pem('client-key')}`;
    expect(run(['context', 'create', 'far', '--docker', `host=${host}`]).stderr).toContain('not used without TLS');
    expect(run(['context', 'create', 'far', '--docker', `host=${host},${tls}`, '--description', 'Far']).exit).toBe(0);
    expect(run(['--context', 'far', 'info', '-f', '{{.OSType}}']).stdout).toBe('linux\n');
    expect(run(['context', 'use', 'far']).exit).toBe(0);
    expect(run(['context', 'ls', '--format', '{{.Name}} {{.Current}} {{.DockerEndpoint}}']).stdout).toContain(
      `far true ${host}\n`,
    );
    expect(run(['network', 'create', 'there']).exit).toBe(0);
    expect(engine.iechor(['network', 'inspect', 'there']).exit).toBe(0);

    const [meta] = JSON.parse(run(['context', 'inspect', 'far']).stdout) as [{ Storage: { TLSPath: string } }];
    expect(statSync(join(meta.Storage.TLSPath, 'docker/key.pem')).mode & 0o777).toBe(0o600);
    expect(run(['context', 'export', 'far', 'far.tar']).exit).toBe(0);
    expect(run(['context', 'rm', 'far']).stderr).toContain('is in use');
    expect(run(['context', 'rm', '-f', 'far']).exit).toBe(0);
    expect(JSON.parse(readFileSync(join(home, 'config.json'), 'utf8'))).not.toHaveProperty('currentContext');
    expect(run(['context', 'import', 'again', 'far.tar']).exit).toBe(0);
    expect(run(['-c', 'again', 'network', 'rm', 'there']).exit).toBe(0);
    expect(run(['-c', 'none', 'ps']).stderr).toContain('there is no context "none"');

    // Without a certificate, and with one of another CA.
    const strange = makeCertificates(opensslProgram ?? '', join(engine.dir, 'strange'));
    const client = (path: (name: string) => string) => [
      '--tlscacert',
      pem('ca'),
      '--tlscert',
      path('client'),
      '--tlskey',
      path('client-key'),
    ];
    expect(run(['-H', host, '--tlscacert', pem('ca'), 'ps']).exit).toBe(1);
    expect(run(['-H', host, ...client(strange), 'ps']).exit).toBe(1);
    expect(run(['-H', host, ...client(pem), 'ps']).exit).toBe(0);
    expect(run(['-H', host, 'ps']).stderr).toContain('is not used without TLS');
  });
});
