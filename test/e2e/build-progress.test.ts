import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { missingForContainers } from '../support/machine.ts';
import {
  createPrivateEngine,
  eventually,
  importBusybox,
  type PrivateEngine,
  tracesOf,
} from '../support/private-engine.ts';
import { createScreen } from '../support/screen.ts';
import { closeTerminals, missingForTerminals, openTerminal } from '../support/terminal.ts';

const lacking = [...missingForContainers(), missingForTerminals()].filter(Boolean).join(', ');
if (lacking) console.warn(`SKIPPED: builds in a terminal: this machine lacks ${lacking}`);

(lacking ? describe.skip : describe)('how builds are shown', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterEach(closeTerminals);
  afterAll(() => engine.dispose());

  const context = (name: string, files: Readonly<Record<string, string>>): string => {
    const dir = join(engine.dir, name);
    mkdirSync(dir, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
    return dir;
  };
  /** Long enough for several frames. */
  const slowly = (word: string) => `RUN for i in 1 2 3; do echo ${word} $i; sleep 0.4; done`;
  const shownBy = (bytes: string) => {
    const screen = createScreen({ columns: 100, rows: 30 });
    screen.write(bytes.replaceAll('\r\n', '\n'));
    return screen.lines();
  };

  const timeless = (line: string) => line.replace(/ +\d+\.\ds/, ' TIME');

  test('a terminal shows the output of a step while it runs, and one line for it afterwards', async () => {
    const dir = context('live', { iEchorfile: `FROM busybox\n${slowly('word')}\nRUN true\n` });
    const terminal = await openTerminal(engine, ['build', '-t', 'live', dir], 'echo after');
    const during = await terminal.sees('word 2');
    expect(during).toContain('[2/3] RUN for i in');
    const rest = await terminal.sees('after\r\n');
    const lines = shownBy(during + rest);
    expect(lines.filter((line) => line.includes('│'))).toEqual([]);
    // On a slow machine other steps are slow, too.
    expect(lines.filter((line) => line.startsWith('slow: ')).join()).toMatch(/s \[stage-0\] RUN for/);
    expect(lines.filter((line) => !line.startsWith('slow: ')).map(timeless)).toEqual([
      ' ✔ TIME [1/3] FROM busybox',
      expect.stringMatching(/^ ✔ TIME \[2\/3\] RUN for .* MISS: not built before$/),
      ' ✔ TIME [3/3] RUN true  MISS: not built before',
      '[+] Built TIME: 2 steps run, 0 CACHED',
      expect.stringMatching(/^Successfully built/),
      'Successfully tagged live:latest',
      'after',
    ]);
    expect(await terminal.ended()).toBe(0);
  });

  test('a step that fails leaves its output in the terminal, and the error after it', async () => {
    const dir = context('failing', { iEchorfile: 'FROM busybox\nRUN echo the reason; exit 3\n' });
    const terminal = await openTerminal(engine, ['build', dir], 'echo after');
    const lines = shownBy(await terminal.sees('after\r\n')).map(timeless);
    expect(lines.slice(1, 3)).toEqual([
      expect.stringMatching(/^ ✘ TIME \[2\/2\] RUN echo the reason; exit 3/),
      '        │ the reason',
    ]);
    expect(lines.slice(3).join('')).toContain('exit code: 3');
  });

  test('Ctrl-C ends the build, says which step it was, and gives the terminal back', async () => {
    const dir = context('stopped', { iEchorfile: 'FROM busybox\nRUN echo begun; exec sleep 600\n' });
    const terminal = await openTerminal(engine, ['build', dir]);
    const during = await terminal.sees('│ begun');
    terminal.type('\x03');
    expect(await terminal.ended()).toBe(130);
    const bytes = during + (await terminal.sees(/$/));
    expect(shownBy(bytes).filter((line) => /^ -\s.*RUN echo begun/.test(line))).toHaveLength(1);
    expect(bytes.lastIndexOf('\x1b[?25h')).toBeGreaterThan(bytes.lastIndexOf('\x1b[?25l'));
    await eventually('the step has ended', () => !tracesOf(engine).some((trace) => trace.includes('sleep 600')));
  });

  test('a terminal that becomes narrower is drawn anew', async () => {
    const dir = context('resized', { iEchorfile: `FROM busybox\nRUN echo ${'a'.repeat(150)}; exec sleep 600\n` });
    const terminal = await openTerminal(engine, ['build', dir]);
    await terminal.sees(/│ a{80}/);
    terminal.resize(30, 40);
    const drawn = await terminal.sees(/│ a{28}… *\x1b/);
    expect(drawn).toContain('\x1b[J');
    terminal.type('\x03');
    expect(await terminal.ended()).toBe(130);
  });

  test('services that are built together show their steps at once', async () => {
    const dir = context('several', {
      'compose.yaml': [
        'services:',
        ...['one', 'two'].map((name) => `  ${name}: {build: {context: ., dockerfile: ${name}.iEchorfile}}`),
      ].join('\n'),
      'one.iEchorfile': `FROM busybox\n${slowly('first')}\n`,
      'two.iEchorfile': `FROM busybox\n${slowly('second')}\n`,
    });
    const terminal = await openTerminal(engine, ['compose', '--project-directory', dir, 'build'], 'echo after');
    const both = await terminal.sees(/first \d.*second \d|second \d.*first \d/s);
    const lines = shownBy(both + (await terminal.sees('after\r\n')));
    expect(lines.filter((line) => line.includes('│'))).toEqual([]);
    expect(lines.filter((line) => line.startsWith(' ✔'))).toHaveLength(2);
    expect(await terminal.ended()).toBe(0);
  });

  test('the modes: lines, JSON with a summary, the id alone, nothing', () => {
    const dir = context('modes', { iEchorfile: 'FROM busybox\nCOPY a /\n', a: 'a' });
    const shown = (mode: string) => engine.iechor(['build', '--progress', mode, dir]);
    expect(shown('plain').stderr.split('\n')).toEqual(
      expect.arrayContaining(['#2 [2/2] COPY a /', '#2 MISS: not built before', expect.stringMatching(/^#1 DONE \d/)]),
    );
    const messages = shown('rawjson').stderr.trim().split('\n');
    const { summary } = messages.map((line) => JSON.parse(line)).find((message) => message.summary);
    expect(summary).toMatchObject({
      cached: 1,
      made: 0,
      context: { sizeBytes: 1, files: 1, largest: [{ path: 'a' }] },
    });
    expect(shown('quiet')).toMatchObject({ stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/), stderr: '' });
    expect(shown('none')).toMatchObject({ stdout: '', stderr: '' });
    expect(shown('loud').exit).not.toBe(0);
  });

  test('--explain derives every key, and compares it with the nearest earlier step; a secret is no part of it', () => {
    const dir = context('explained', {
      iEchorfile: 'FROM busybox\nCOPY a /\nRUN --mount=type=secret,id=s,env=S true\n',
      a: 'one',
    });
    const explain = (...flags: string[]) => {
      const ran = engine.iechor(['build', '--explain', '--secret', 'id=s,env=GIVEN', ...flags, dir], {
        env: { GIVEN: 'sEcReT-77' },
      });
      expect(ran.exit).toBe(0);
      return ran;
    };
    const cold = explain('-q').stdout;
    expect(cold.match(/^ {2}MISS: not built before$/gm)).toHaveLength(2);
    writeFileSync(join(dir, 'a'), 'two');
    const { stdout, stderr } = explain();
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const [copy = '', run = ''] = stdout.split('\n\n');
    expect(copy).toContain('[stage-0] COPY a /  (iEchorfile:2:1)\n  MISS: COPY a changed (a content)\n');
    expect(copy).toContain(`\n    a  file 0644 0:0 ${hash('two')}\n  nearest earlier step: COPY a /\n`);
    expect(copy).toMatch(/\n {4}content: [0-9a-f]{24} -> [0-9a-f]{24}\n {4}a content$/);
    expect(run).toMatch(/ {2}parent +[0-9a-f]{24} {2}[0-9a-f]{64} {2}\[stage-0\] COPY a \/\n/);
    expect(run).toContain('secret s ');
    expect(stdout + stderr).not.toContain('sEcReT-77');
    const json = explain('--progress=rawjson').stderr.trim().split('\n');
    const derived = json.flatMap((line) => JSON.parse(line).derivation ?? []);
    expect(derived.map(({ status }) => status)).toEqual(['cached', 'cached']);
  });
});
