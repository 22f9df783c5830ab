import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { programPaths } from '../support/machine.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine, type Ran } from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

describeWithContainers('input that cannot work', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  const up = (name: string, files: Record<string, string>, env: Record<string, string> = {}): Ran =>
    engine.iechor(['compose', 'up', '-d'], { cwd: writeProject(engine, name, files), env });
  const web = (lines: string) => ({ 'compose.yaml': `services:\n  web:\n    image: busybox:latest\n${lines}` });

  const cases: [what: string, files: Record<string, string>, place: RegExp, words: RegExp][] = [
    ['an unknown key', web('    prots: ["80"]\n'), /compose\.yaml:4:5/, /prots[\s\S]*hint: .*ports/],
    [
      'a cycle of dependencies',
      { 'compose.yaml': 'services:\n  a: {image: busybox, depends_on: [b]}\n  b: {image: busybox, depends_on: [a]}\n' },
      /compose\.yaml:[23]:\d+/,
      /a.*->.*b.*->.*a|b.*->.*a.*->.*b/,
    ],
    ['a missing env file', web('    env_file: nowhere.env\n'), /compose\.yaml:4:\d+/, /nowhere\.env/],
    [
      'a missing build context',
      { 'compose.yaml': 'services:\n  web:\n    build: ./nowhere\n' },
      /compose\.yaml:3:\d+/,
      /nowhere/,
    ],
    [
      'an unknown instruction',
      { 'compose.yaml': 'services:\n  web:\n    build: .\n', iEchorfile: 'FROM busybox:latest\nRUNN echo hi\n' },
      /iEchorfile:2:1/,
      /RUNN[\s\S]*hint: .*RUN/,
    ],
    [
      'an image nobody has',
      { 'compose.yaml': 'services:\n  web:\n    image: 127.0.0.1:1/nobody/nothing:1\n' },
      /127\.0\.0\.1:1\/nobody\/nothing:1/,
      /hint: /,
    ],
  ];
  test.each(cases)('%s is refused with its place and a hint, and nothing is started', (what, files, place, words) => {
    const refused = up(what.replace(/\W+/g, '-'), files);
    expect(refused.exit).toBe(1);
    expect(refused.stderr).toMatch(place);
    expect(refused.stderr).toMatch(words);
    expect(refused.stderr).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)/m);
    expect(engine.iechor(['ps', '-aq']).stdout).toBe('');
  });

  test('a port in use is refused naming its holder before anything is started', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const address = holder.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const second = `  other:\n    image: busybox:latest\n    command: ["sleep", "60"]\n`;
      const refused = up('taken', web(`    ports: ["127.0.0.1:${port}:80"]\n${second}`));
      expect(refused.exit).toBe(1);
      expect(refused.stderr).toMatch(/compose\.yaml:4:13/);
      expect(refused.stderr).toContain(`${port}/tcp`);
      expect(refused.stderr).toContain(`process ${process.pid}`);
      expect(engine.iechor(['ps', '-aq']).stdout).toBe('');
      expect(engine.iechor(['network', 'ls', '--format', '{{.Name}}']).stdout).not.toContain('taken');
    } finally {
      holder.close();
      engine.iechor(['compose', '-p', 'taken', 'down', '-v']);
    }
  });

  test('without root rights the engine is not started, and the error says so', () => {
    const bare = createPrivateEngine();
    // The product may lie in a directory that is closed to others: in a mount namespace of its own it lies elsewhere.
    const elsewhere = join(bare.dir, 'product');
    mkdirSync(elsewhere);
    chmodSync(bare.dir, 0o755);
    const script =
      'mount --bind "$1" "$2" && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$2/bin/iechor" ps';
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', resolve('.'), elsewhere], {
      env: bare.environment,
      encoding: 'utf8',
      cwd: '/',
    });
    bare.dispose();
    expect(status).toBe(1);
    expect(stderr).toMatch(/hint: .*root/);
  });

  test('without an OCI runtime the engine says what is missing and how to get it', () => {
    const bare = createPrivateEngine();
    // In a mount namespace of its own the runtimes are hidden; the machine keeps them.
    const hide = ['crun', 'runc'].flatMap(programPaths).map((path) => `mount --bind /dev/null ${path}`);
    const { status, stderr } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', [...hide, `exec ${bare.program} ps`].join('; ')],
      { env: bare.environment, encoding: 'utf8' },
    );
    bare.dispose();
    expect(status).toBe(1);
    expect(stderr).toMatch(/crun[\s\S]*runc/);
    expect(stderr).toMatch(/hint: .*apt-get install .*crun/);
  });
});
