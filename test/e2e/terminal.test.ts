import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { missingForContainers } from '../support/machine.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { closeTerminals, missingForTerminals, openTerminal } from '../support/terminal.ts';

const lacking = [...missingForContainers(), missingForTerminals()].filter(Boolean).join(', ');
if (lacking) console.warn(`SKIPPED: containers in a terminal: this machine lacks ${lacking}`);

(lacking ? describe.skip : describe)('containers in a terminal', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterEach(closeTerminals);
  afterAll(() => engine.dispose());

  // The shell's line editor asks where the cursor is, and may draw its prompt again.
  const prompt = /\/ # (\x1b\[\d*[A-Za-z]|\r|\/ # )*$/;
  const shell = ['run', '--rm', '-it', 'busybox', 'sh'];
  const clients = (name: string) => spawnSync('pgrep', ['-f', `iechor-main.* --name ${name} `]).stdout.toString();
  const names = () => engine.iechor(['ps', '-a', '--format', '{{.Names}}']).stdout.trim();

  test('a shell has a prompt, an echo, the size of the window and an exit code', async () => {
    const terminal = await openTerminal(engine, shell);
    await terminal.sees(prompt);
    terminal.type('stty size\r');
    expect(await terminal.sees('30 100\r\n')).toContain('stty size\r\n');
    terminal.resize(41, 121);
    await terminal.sees(prompt);
    terminal.type('until stty size | grep 41; do sleep 0.1; done\r');
    await terminal.sees('41 121\r\n');
    await terminal.sees(prompt);
    terminal.type('exit 7\r');
    expect(await terminal.ended()).toBe(7);
    expect(names()).toBe('');
  });

  test('the size of the window is there from the first moment', async () => {
    const terminal = await openTerminal(engine, ['run', '--rm', '-t', 'busybox', 'stty', 'size']);
    await terminal.sees(/30 100\r+\n/);
    expect(await terminal.ended()).toBe(0);
  });

  test('Ctrl-C is for the process inside, and Ctrl-D ends its input', async () => {
    const terminal = await openTerminal(engine, shell);
    await terminal.sees(prompt);
    terminal.type('echo begun; sleep 600\r');
    await terminal.sees('\r\nbegun\r\n');
    terminal.type('\x03');
    await terminal.sees(prompt);
    terminal.type('echo code $?\r');
    await terminal.sees('code 130\r\n');
    await terminal.sees(prompt);
    terminal.type('\x04');
    expect(await terminal.ended()).toBe(0);
  });

  test('the detach keys leave the container, which can be attached to again', async () => {
    const first = await openTerminal(engine, ['run', '--rm', '-it', '--name', 'left', 'busybox', 'sh']);
    await first.sees(prompt);
    first.type('word=kept\r');
    await first.sees(prompt);
    first.type('\x10');
    first.type('\x11');
    expect(await first.ended()).toBe(0);
    expect(engine.iechor(['inspect', '-f', '{{.State.Running}}', 'left']).stdout).toBe('true\n');
    const second = await openTerminal(engine, ['attach', 'left']);
    second.type('echo it is $word\r');
    await second.sees('it is kept\r\n');
    await second.sees(prompt);
    second.type('exit 5\r');
    expect(await second.ended()).toBe(5);
    await eventually('it has removed itself', () => names() === '');
  });

  test('exec has a terminal too, with its size, its exit code and its detach keys', async () => {
    engine.iechor(['run', '-d', '--name', 'host', 'busybox', 'sleep', '600']);
    const terminal = await openTerminal(engine, ['exec', '-it', 'host', 'sh']);
    await terminal.sees(prompt);
    terminal.type('tty; stty size\r');
    await terminal.sees(/\/dev\/pts\/\d+\r\n30 100\r\n/);
    await terminal.sees(prompt);
    terminal.type('exit 9\r');
    expect(await terminal.ended()).toBe(9);
    const left = await openTerminal(engine, ['exec', '-it', 'host', 'sh']);
    await left.sees(prompt);
    left.type('\x10\x11');
    expect(await left.ended()).toBe(0);
    engine.iechor(['rm', '-f', 'host']);
  });

  test('output comes as the process writes it, and the terminal is afterwards what it was', async () => {
    const script = 'stty -opost; printf "a\\nb"; read x';
    const terminal = await openTerminal(
      engine,
      ['run', '--rm', '-it', 'busybox', 'sh', '-c', script],
      'echo after; read y',
    );
    await terminal.sees('a\nb');
    expect(terminal.settings()).toMatch(/-opost [\s\S]* -icanon [\s\S]* -echo /);
    terminal.type('\r');
    await terminal.sees('after\r\n');
    expect(terminal.settings()).toMatch(/\sopost [\s\S]* icanon [\s\S]* echo /);
    terminal.type('\r');
    expect(await terminal.ended()).toBe(0);
  });

  test('a command that cannot start gives the terminal back and leaves no container', async () => {
    const terminal = await openTerminal(engine, ['run', '--rm', '-it', 'busybox', 'no-such-command'], 'echo after');
    await terminal.sees('executable file not found');
    await terminal.sees('after\r\n');
    expect(await terminal.ended()).toBe(127);
    expect(names()).toBe('');
  });

  test('an archive is read from a file behind the command, and not from a terminal', async () => {
    const terminal = await openTerminal(engine, ['load']);
    await terminal.sees('standard input is a terminal');
    expect(await terminal.ended()).toBe(1);
    const script = '"$0" save busybox > saved.tar && "$0" load -q < saved.tar';
    const { stdout } = spawnSync('sh', ['-c', script, engine.program], { cwd: engine.dir, env: engine.environment });
    expect(stdout.toString()).toBe('Loaded image: busybox:latest\n');
  });

  test('a window that is closed ends the client, not the container', async () => {
    const terminal = await openTerminal(engine, ['run', '-it', '--name', 'alone', 'busybox', 'sh']);
    await terminal.sees(prompt);
    terminal.close();
    await terminal.ended();
    await eventually('the client has ended', () => clients('alone') === '');
    expect(engine.iechor(['inspect', '-f', '{{.State.Status}}', 'alone']).stdout).toBe('running\n');
    engine.iechor(['rm', '-f', 'alone']);
  });
});
