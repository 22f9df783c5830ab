import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('secrets of builds', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  /** Names of the files below the engine's roots that hold a text, or hold it in a layer or a record. */
  const holding = (text: string): string[] => {
    const roots = ['data', 'run'].map((name) => join(engine.dir, name));
    return spawnSync('grep', ['-rlaF', '--devices=skip', text, ...roots], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean);
  };

  test('leave no trace: in layers, records, logs, history, keys, events or what builds say', () => {
    const [file, variable, key] = ['fIlE-sEcReT-4711', 'eNv-sEcReT-4712', 'kEy-4713'];
    const dir = join(engine.dir, 'context');
    mkdirSync(dir);
    writeFileSync(join(engine.dir, 'secret'), file);
    const mount = (id: string) => `--mount=type=secret,id=${id}`;
    const text = [
      'FROM busybox',
      `RUN ${mount('file')} ${mount('variable')},env=TOKEN printf %s "$(cat /run/secrets/file)$TOKEN" | sha256sum > /got`,
      `RUN ${mount('file')},target=/f cat /f > /dev/null; ls -l /f > /listed`,
      'RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"',
    ];
    writeFileSync(join(dir, 'iEchorfile'), text.join('\n'));
    const flags = ['--secret', `id=file,src=${join(engine.dir, 'secret')}`, '--secret', 'id=variable,env=GIVEN'];
    const keys: string[] = [];
    if (existsSync('/usr/bin/ssh-keygen') && existsSync('/usr/bin/ssh-agent')) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', join(engine.dir, 'key')]);
      keys.push(key, readFileSync(join(engine.dir, 'key'), 'utf8').split('\n')[2] ?? '');
      flags.push('--ssh', `default=${join(engine.dir, 'key')}`);
    } else text.pop();
    const said: string[] = [];
    for (const more of [
      ['--progress=plain'],
      ['--progress=rawjson', '--no-cache'],
      ['--explain', '--progress=plain'],
    ]) {
      const ran = engine.iechor(['build', '-t', 'kept', ...flags, ...more, dir], { env: { GIVEN: variable } });
      expect(ran.exit).toBe(0);
      said.push(ran.stdout, ran.stderr);
    }
    const hash = createHash('sha256').update(`${file}${variable}`).digest('hex');
    expect(engine.iechor(['run', '--rm', 'kept', 'cat', '/got']).stdout).toContain(hash);
    for (const args of [
      ['history', '--no-trunc', 'kept'],
      ['inspect', 'kept'],
      ['builder', 'du', '-v'],
      ['events', '--since', '1h', '--until', '0s'],
      ['daemon', 'logs'],
    ]) {
      said.push(engine.iechor(args).stdout);
    }
    for (const secret of [file, variable, ...keys]) {
      expect({ secret, in: holding(secret) }).toEqual({ secret, in: [] });
      expect(said.join('\n')).not.toContain(secret);
    }
    // A test that finds nothing must be able to find something.
    expect(holding('busybox').length).toBeGreaterThan(0);
  });

  test('that are arguments or variables are warned about by name', () => {
    const dir = join(engine.dir, 'warned');
    mkdirSync(dir);
    writeFileSync(join(dir, 'iEchorfile'), 'FROM busybox\nARG API_TOKEN\nENV DB_PASSWORD=x\n');
    const { stderr } = engine.iechor(['build', '--build-arg', 'API_TOKEN=1', dir]);
    expect(stderr).toMatch(/SecretsUsedInArgOrEnv.*API_TOKEN/);
    expect(stderr).toMatch(/SecretsUsedInArgOrEnv.*DB_PASSWORD/);
  });
});
