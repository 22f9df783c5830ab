import { describe, expect, test } from '@jest/globals';
import { normalizeArgv } from '../../../src/cli/argv.ts';
import { emptyGlobals } from '../../../src/cli/globals.ts';
import { takeGlobals } from '../../../src/cli/take-globals.ts';

const flags = {
  env: { type: 'option', char: 'e' },
  tty: { type: 'boolean', char: 't' },
  interactive: { type: 'boolean', char: 'i' },
  rm: { type: 'boolean' },
  publish: { type: 'option', char: 'p' },
} as const;

describe('the words of run', () => {
  test('flags end at the image, so that the command keeps its own', () => {
    expect(normalizeArgv(['-it', '-e', 'A=b', 'busybox', 'ls', '-l', '--rm'], flags, { interspersed: false })).toEqual([
      '-it',
      '-e',
      'A=b',
      '--',
      'busybox',
      'ls',
      '-l',
      '--rm',
    ]);
  });
  test('a cluster may end in a flag with a value', () => {
    expect(normalizeArgv(['-itp', '80:80', 'busybox'], flags, { interspersed: false })).toEqual([
      '-itp',
      '80:80',
      '--',
      'busybox',
    ]);
  });
  test('a boolean may be switched off by =false', () => {
    expect(normalizeArgv(['--rm=false', '--tty=true', 'busybox'], flags, { interspersed: false })).toEqual([
      '--tty',
      '--',
      'busybox',
    ]);
  });
  test('interspersed flags may follow arguments', () => {
    expect(normalizeArgv(['web', '-t'], flags, { interspersed: true })).toEqual(['web', '-t']);
  });
});

describe('global flags', () => {
  test('are taken up to the first word, in all their forms', () => {
    const globals = emptyGlobals();
    expect(takeGlobals(['-H', 'unix:///x', '-fa.yaml', '--file=b.yaml', '--dry-run', 'up', '-d'], globals)).toEqual([
      'up',
      '-d',
    ]);
    expect(globals).toMatchObject({ host: 'unix:///x', files: ['a.yaml', 'b.yaml'], dryRun: true });
  });
  test('without their value are refused', () => {
    expect(() => takeGlobals(['--profile'], emptyGlobals())).toThrow(/--profile needs a value/);
  });
});
