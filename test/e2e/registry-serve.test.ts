import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { programPath } from '../support/machine.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

const skopeo = programPath('skopeo');
if (!skopeo) console.warn('SKIPPED: skopeo against a served registry: skopeo is not here');

describeWithContainers('a machine hands its images to the next', () => {
  let giver: PrivateEngine;
  let taker: PrivateEngine;
  let serving: ChildProcess;
  let host: string;
  beforeAll(async () => {
    giver = createPrivateEngine();
    taker = createPrivateEngine();
    importBusybox(giver);
    serving = giver.start(['registry', 'serve', '--addr', '127.0.0.1:0', '--offer', 'busybox']);
    let text = '';
    serving.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await eventually('the registry serves', () => /Serving on http:\/\/\S+/.test(text));
    host = /http:\/\/(\S+)/.exec(text)?.[1] ?? '';
  });
  afterAll(() => {
    serving.kill('SIGINT');
    taker.dispose();
    giver.dispose();
  });
  const run = (engine: PrivateEngine, args: string[], env: Record<string, string> = {}) => {
    const { exit, stdout, stderr } = engine.iechor(args, {
      env: { XDG_STATE_HOME: join(engine.dir, 'state'), ...env },
    });
    return { exit, stdout: stdout.trim(), stderr };
  };

  test('what is offered is pulled and runs there, with the same id', () => {
    expect(run(taker, ['pull', '-q', `${host}/busybox`])).toMatchObject({ exit: 0 });
    const id = (engine: PrivateEngine, name: string) => run(engine, ['image', 'inspect', '-f', '{{.Id}}', name]).stdout;
    expect(id(taker, `${host}/busybox`)).toBe(id(giver, 'busybox'));
    expect(run(taker, ['run', '--rm', `${host}/busybox`, 'echo', 'here']).stdout).toBe('here');
  });

  test('what is pushed comes back with its digest, and survives a prune of all images', () => {
    expect(run(taker, ['tag', `${host}/busybox`, `${host}/team/web:1`]).exit).toBe(0);
    const pushed = run(taker, ['push', `${host}/team/web:1`]).stdout;
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1];
    expect(run(giver, ['image', 'prune', '-a', '-f']).exit).toBe(0);
    expect(run(taker, ['rmi', '-f', `${host}/busybox`, `${host}/team/web:1`]).exit).toBe(0);
    expect(run(taker, ['pull', `${host}/team/web:1`]).stdout).toContain(`Digest: ${digest}`);
    if (!skopeo) return;
    const seen = spawnSync(skopeo, ['inspect', '--tls-verify=false', `docker://${host}/team/web:1`], {
      encoding: 'utf8',
    });
    expect(JSON.parse(seen.stdout)).toMatchObject({ Digest: digest, RepoTags: ['1'] });
  });

  test('an image is taken once it is signed with the key that the policy asks for', () => {
    const phrase = { IECHOR_TRUST_PASSPHRASE: 'secret' };
    expect(run(taker, ['trust', 'key', 'generate', 'team'], phrase).exit).toBe(0);
    expect(readFileSync(join(taker.dir, 'team.key'), 'utf8')).toContain('ENCRYPTED');
    run(taker, ['trust', 'policy', 'set', `${host}/team/web`, 'signed-by', '--key', 'team.pub']);
    const refused = run(taker, ['pull', `${host}/team/web:1`]);
    expect([refused.exit, refused.stderr]).toEqual([1, expect.stringMatching(/is refused: it has no signature/)]);
    expect(run(taker, ['trust', 'sign', '--key', 'team.key', `${host}/team/web:1`], phrase).exit).toBe(0);
    expect(run(taker, ['trust', 'inspect', '--key', 'team.pub', `${host}/team/web:1`]).exit).toBe(0);
    expect(run(taker, ['pull', '-q', `${host}/team/web:1`]).exit).toBe(0);
    run(taker, ['tag', `${host}/team/web:1`, `${host}/team/web:2`]);
    run(taker, ['tag', `${host}/team/web:1`, `${host}/team/web:3`]);
    for (const command of [
      ['push', '--sign-by', 'team.key', `${host}/team/web:2`],
      ['trust', 'sign', '--local', '--key', 'team.key', `${host}/team/web:3`],
    ]) {
      expect(run(taker, command, { IECHOR_TRUST_PASSPHRASE: 'wrong' })).toMatchObject({ exit: 1, stdout: '' });
      expect(run(taker, command, phrase).stdout).toMatch(/digest: (sha256:[0-9a-f]{64})[\s\S]*\nSigned \1$/);
      expect(run(taker, ['pull', '-q', command.at(-1) ?? '']).exit).toBe(0);
    }
    writeFileSync(join(taker.dir, 'no.pub'), 'no key');
    for (const [file, said] of [
      ['none.pub', /none\.pub cannot be read: there is no such file/],
      ['no.pub', /no ECDSA public key in PEM/],
    ] as const) {
      for (const command of [
        ['inspect', `${host}/team/web:1`],
        ['policy', 'set', `${host}/*`, 'signed-by'],
      ]) {
        expect(run(taker, ['trust', ...command, '--key', file]).stderr).toMatch(said);
      }
    }
    run(taker, ['trust', 'policy', 'rm', `${host}/team/web`]);
  });

  test('a list of images is made, changed and pushed, and taken by its platform', () => {
    const list = `${host}/all:1`;
    expect(run(taker, ['manifest', 'create', list, `${host}/team/web:1`]).exit).toBe(0);
    expect(run(taker, ['manifest', 'annotate', '--variant', 'v2', list, `${host}/team/web:1`]).exit).toBe(0);
    expect(run(taker, ['manifest', 'annotate', '--arch', 'none', list, `${host}/team/web:1`]).stderr).toContain(
      'linux/none',
    );
    const known = JSON.parse(run(taker, ['manifest', 'inspect', '-v', `${host}/team/web:1`]).stdout) as object;
    expect(known).toMatchObject({ Ref: `${host}/team/web:1`, Descriptor: { digest: expect.any(String) } });
    const pushed = run(taker, ['manifest', 'push', '--purge', list]);
    expect(pushed).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^sha256:/) });
    const { manifests } = JSON.parse(run(taker, ['manifest', 'inspect', list]).stdout);
    expect(manifests).toEqual([expect.objectContaining({ platform: expect.objectContaining({ variant: 'v2' }) })]);
    expect(run(taker, ['pull', '-q', list]).exit).toBe(0);
    expect(run(taker, ['manifest', 'rm', list]).stderr).toContain('No such manifest');
    expect(existsSync(join(taker.dir, 'state'))).toBe(true);
  });

  test('what was pushed is listed, and is gone from the disk once it is removed', () => {
    expect(run(giver, ['registry', 'ls']).stdout).toMatch(/^all +1 .*\nteam\/web +1, 2, 3, sha256-/m);
    expect(run(giver, ['registry', 'rm', 'all', 'team/web']).exit).toBe(0);
    expect(run(giver, ['registry', 'rm', 'team/web:1']).stderr).toContain('nothing of that name was pushed here');
    const parts = JSON.parse(run(giver, ['system', 'gc', '--format', 'json']).stdout).parts as { name: string }[];
    expect(parts.map(({ name }) => name)).not.toContain('served by the registry');
  });
});
