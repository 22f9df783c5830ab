import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { agentSockets, readAgents } from '../../../src/cli/ssh-agents.ts';
import { eventually } from '../../support/private-engine.ts';

const isThere = existsSync('/usr/bin/ssh-agent') && existsSync('/usr/bin/ssh-keygen');
if (!isThere) console.warn('SKIPPED: keys of SSH: no ssh-agent here');

test('--ssh names the own agent, a socket, or key files', () => {
  expect(readAgents(['default'], { SSH_AUTH_SOCK: '/a' })).toEqual({ default: '/a' });
  expect(readAgents(['one=/s', 'two=k1,k2'], {})).toEqual({ one: '/s', two: 'k1,k2' });
  expect(() => readAgents(['default'], {})).toThrow('invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set');
});

(isThere ? describe : describe.skip)('keys of SSH', () => {
  const directory = mkdtempSync(join(tmpdir(), 'iechor-keys-'));
  const key = (name: string, passphrase = '') => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', join(directory, name)]);
    return join(directory, name);
  };
  let keys: readonly string[] = [];
  beforeAll(() => {
    keys = ['one', 'two'].map((name) => key(name));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('are held by an agent of their own, which ends with the program', async () => {
    const program = `
      import { agentSockets } from ${JSON.stringify(resolve('src/cli/ssh-agents.ts'))};
      console.log(JSON.stringify(await agentSockets({ a: ${JSON.stringify(keys.join(','))} })));`;
    writeFileSync(join(directory, 'program.ts'), program);
    const agents = await agentSockets({ a: keys.join(',') });
    const list = spawnSync('ssh-add', ['-l'], { env: { ...process.env, SSH_AUTH_SOCK: agents?.a }, encoding: 'utf8' });
    expect(list.stdout.match(/ (one|two) \(ED25519\)/g)).toHaveLength(2);
    const ended = spawnSync(process.execPath, [join(directory, 'program.ts')], { encoding: 'utf8' });
    expect(ended.status).toBe(0);
    const { a } = JSON.parse(ended.stdout) as { a: string };
    await eventually('the agent of the program that ended is gone', () => !existsSync(dirname(a)));
  });

  test('that have a passphrase, or are none, are refused without anybody being asked', async () => {
    await expect(agentSockets({ a: key('locked', 'secret') })).rejects.toThrow(/the key .* cannot be used/);
    await expect(agentSockets({ a: join(directory, 'nothing') })).rejects.toThrow('neither an SSH agent');
  });
});
