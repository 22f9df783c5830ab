import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type DockerRegistry, registryProgram, registryUser, startDockerRegistry } from '../support/docker-registry.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { closeTerminals, missingForTerminals, openTerminal } from '../support/terminal.ts';

/** A helper by Docker's protocol that keeps logins in a file, and notes its actions. It fails where `broken` lies. */
const helper = (state: string) => `#!/bin/sh
echo "$*" >> ${state}/actions
[ -e ${state}/broken ] && { echo 'the keyring is locked'; exit 1; }
input=$(cat)
case $1 in
  store) printf '%s' "$input" > ${state}/login ;;
  get) [ -e ${state}/login ] && cat ${state}/login || { echo 'credentials not found in native keychain'; exit 1; } ;;
  erase) rm -f ${state}/login ;;
  list) [ -e ${state}/login ] && echo '{"'$(sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' ${state}/login)'":"anna"}' || echo '{}' ;;
esac
`;

describeWithContainers('logging in', () => {
  if (!registryProgram) {
    test.skip('this machine lacks docker-registry', () => {});
    return;
  }
  let engine: PrivateEngine;
  let registry: DockerRegistry;
  let home: string;
  let state: string;
  const { username, password } = registryUser;
  const environment = () => ({ IECHOR_CONFIG: home, PATH: `${engine.dir}/bin:${process.env.PATH}` });
  const iechor = (args: readonly string[], input = '') => engine.iechor(args, { env: environment(), input });
  const configure = (config: object) => writeFileSync(join(home, 'config.json'), JSON.stringify(config));
  const actions = () => (existsSync(join(state, 'actions')) ? readFileSync(join(state, 'actions'), 'utf8') : '');

  beforeAll(async () => {
    engine = createPrivateEngine();
    home = join(engine.dir, 'config');
    state = join(engine.dir, 'state');
    for (const dir of [home, state, join(engine.dir, 'bin')]) mkdirSync(dir, { recursive: true });
    writeFileSync(join(engine.dir, 'bin/docker-credential-kept'), helper(state), { mode: 0o755 });
    importBusybox(engine);
    registry = await startDockerRegistry(join(engine.dir, 'registry'), { login: true });
  });
  afterEach(closeTerminals);
  afterAll(async () => {
    await registry?.stop();
    engine.dispose();
  });

  (missingForTerminals() ? test.skip : test)(
    'asks for user and password on a terminal, and shows no password',
    async () => {
      configure({});
      const terminal = await openTerminal(engine, ['--config', home, 'login', registry.host]);
      await terminal.sees('Username: ');
      terminal.type(`${username}\r`);
      await terminal.sees('Password: ');
      terminal.type(`${password}\r`);
      expect(await terminal.sees('Login Succeeded')).not.toContain(password);
      expect(await terminal.ended()).toBe(0);
      const again = await openTerminal(engine, ['--config', home, 'login', registry.host]);
      await again.sees('Authenticating with existing credentials...');
      expect(await again.ended()).toBe(0);
      iechor(['logout', registry.host]);
      const wrong = await openTerminal(engine, ['--config', home, 'login', '-u', username, registry.host]);
      await wrong.sees('Password: ');
      wrong.type('wrong\r');
      expect(await wrong.sees('check user and password')).toContain('does not accept the login');
      expect(await wrong.ended()).toBe(1);
    },
  );

  test('says what is missing where there is no terminal', () => {
    configure({});
    const said = (...args: string[]) => {
      const { exit, stderr } = iechor(['login', ...args, registry.host], 'x');
      return [exit === 0, stderr.split('\n')[0]];
    };
    expect(said('-u', username)).toEqual([false, 'iechor: there is no terminal to ask for user and password']);
    expect(said('--password-stdin')).toEqual([false, 'iechor: Must provide --username with --password-stdin']);
    expect(said('-u', username, '-p', 'x', '--password-stdin')).toEqual([
      false,
      'iechor: conflicting options: cannot specify both --password and --password-stdin',
    ]);
  });

  test.each(['credsStore', 'credHelpers'])(
    'keeps a login with the helper of %s, which push, build and logout ask',
    (key) => {
      configure(key === 'credsStore' ? { credsStore: 'kept' } : { credHelpers: { [registry.host]: 'kept' } });
      writeFileSync(join(state, 'actions'), '');
      const name = `${registry.host}/${key.toLowerCase()}:1`;
      const login = iechor(['login', '-u', username, '--password-stdin', registry.host], password);
      expect([login.exit, login.stdout]).toEqual([0, 'Login Succeeded\n']);
      const kept = JSON.parse(readFileSync(join(state, 'login'), 'utf8')) as object;
      expect(kept).toEqual({ ServerURL: registry.host, Username: username, Secret: password });
      expect(readFileSync(join(home, 'config.json'), 'utf8')).not.toContain(Buffer.from(password).toString('base64'));
      iechor(['tag', 'busybox', name]);
      expect(iechor(['push', '-q', name]).exit).toBe(0);
      iechor(['rmi', name]);
      expect(iechor(['build', '-q', '-'], `FROM ${name}\n`).exit).toBe(0);
      expect(iechor(['logout', registry.host]).exit).toBe(0);
      expect(existsSync(join(state, 'login'))).toBe(false);
      expect(iechor(['pull', name]).stderr).toContain(`iechor login ${registry.host}`);
      // Only what is to be done is an argument.
      for (const action of actions().trim().split('\n')) expect(['get', 'store', 'erase', 'list']).toContain(action);
    },
  );

  test('says which helper is missing, and what a helper says that fails', () => {
    configure({ credsStore: 'missing' });
    const name = `${registry.host}/credsstore:1`;
    expect(iechor(['pull', name]).stderr).toContain('there is no credential helper "missing"');
    configure({ credsStore: 'kept' });
    writeFileSync(join(state, 'broken'), '');
    const pull = iechor(['pull', name]);
    expect([pull.exit, pull.stderr]).toEqual([
      1,
      expect.stringContaining('"kept" cannot read a login: the keyring is'),
    ]);
    const login = iechor(['login', '-u', username, '--password-stdin', registry.host], password);
    expect([login.exit, login.stderr]).toEqual([1, expect.stringContaining('cannot keep the login: the keyring is')]);
    expect(login.stderr).not.toContain(password);
  });

  test('has a helper of its own for programs of Docker', () => {
    const program = engine.program.replace(/iechor$/, 'iechor-credential-file');
    const server = 'reg.example';
    const call = (action: string, input = '') =>
      spawnSync(program, [action], { input, encoding: 'utf8', env: { ...process.env, ...environment() } });
    expect(call('get', server)).toMatchObject({ status: 1, stdout: 'credentials not found in native keychain\n' });
    const login = { ServerURL: server, Username: '<token>', Secret: 'an identity token' };
    expect(call('store', JSON.stringify(login))).toMatchObject({ status: 0, stdout: '' });
    expect(JSON.parse(call('get', `${server}\n`).stdout)).toEqual(login);
    expect(JSON.parse(call('list').stdout)).toEqual({ [server]: '<token>' });
    expect(call('erase', server)).toMatchObject({ status: 0 });
    expect(JSON.parse(call('list').stdout)).toEqual({});
    expect(call('steal')).toMatchObject({ status: 1 });
  });
});
