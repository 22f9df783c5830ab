import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { idle } from '../support/compose-engines.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { closeTerminals, missingForTerminals, openTerminal } from '../support/terminal.ts';

const missing = missingForTerminals();
if (missing) console.warn(`SKIPPED: the menu of an attached up: this machine lacks ${missing}`);
const describeMenu: typeof describeWithContainers = missing ? () => undefined : describeWithContainers;

describeMenu('the menu of an attached up', () => {
  let engine: PrivateEngine;
  const states = () => engine.iechor(['compose', 'ps', '-a', '--format', '{{.Service}} {{.State}}']).stdout.trim();

  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
    writeFileSync(join(engine.dir, 'page'), 'one');
    writeFileSync(
      join(engine.dir, 'compose.yaml'),
      `
name: menu
services:
  a:
    image: busybox:latest
    ${idle}
    develop: {watch: [{path: ./page, action: sync, target: /page}]}
`,
    );
  });
  afterEach(() => closeTerminals());
  afterAll(() => engine.dispose());

  test('w switches watching on, o shows the project, d leaves the containers running', async () => {
    const terminal = await openTerminal(engine, ['compose', 'up']);
    await terminal.sees('w Enable Watch');
    terminal.type('o');
    await terminal.sees('image: busybox:latest');
    terminal.type('w');
    await terminal.sees('Watch enabled');
    writeFileSync(join(engine.dir, 'page'), 'two');
    await eventually(
      'the change is in the container',
      () => engine.iechor(['compose', 'exec', '-T', 'a', 'cat', '/page']).stdout === 'two',
    );
    terminal.type('d');
    expect(await terminal.ended()).toBe(0);
    expect(states()).toBe('a running');
  });

  test('Ctrl-C stops the containers, and the terminal is as it was; --no-menu shows no keys', async () => {
    const terminal = await openTerminal(
      engine,
      ['compose', 'up'],
      'stty -a | tr " " "\\n" | grep -x -e icanon -e -icanon',
    );
    await terminal.sees('d Detach');
    terminal.type('\x03');
    await terminal.sees(/[^-]icanon/);
    expect(await terminal.ended()).toBe(130);
    expect(states()).toBe('a exited');
    const plain = await openTerminal(engine, ['compose', 'up', '--menu=false']);
    await eventually('it runs', () => states() === 'a running');
    plain.type('\x03');
    expect(await plain.ended()).toBe(130);
  });
});
