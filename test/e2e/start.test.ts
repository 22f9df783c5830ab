import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeFlags } from '../../src/common/node-flags.ts';

/** The product as it is installed, without what only its snapshot or only its bundles need. */
describe('the start of a Compose command', () => {
  const whole = resolve('.');
  const dirs: string[] = [];
  const installed = (): string => {
    // Beside the product, so that files can be linked.
    const dir = mkdtempSync(join(whole, 'dist.start-'));
    dirs.push(dir);
    for (const part of ['bin', 'scripts', 'dist']) execFileSync('cp', ['-al', join(whole, part), dir]);
    symlinkSync(join(whole, 'node_modules'), join(dir, 'node_modules'));
    return dir;
  };
  let project: string;
  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'iechor-start-'));
    writeFileSync(join(project, 'compose.yaml'), 'name: start\nservices: {a: {image: busybox, command: "${WORD}"}}\n');
  });
  afterAll(() => {
    for (const dir of [...dirs, project]) rmSync(dir, { recursive: true, force: true });
  });
  const config = (root: string): string =>
    execFileSync(join(root, 'bin/iechor'), ['compose', 'config', '--format', 'json'], {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, WORD: 'spoken' },
    });

  test('reads no module when the Node that made the snapshot is there', () => {
    const root = installed();
    expect(existsSync(join(root, 'dist/compose.blob'))).toBe(true);
    rmSync(join(root, 'dist/iechor-main.js'));
    expect(JSON.parse(config(root)).services.a.command).toEqual(['spoken']);
  });

  test('is from the bundles when the snapshot is of another Node', () => {
    const root = installed();
    for (const part of ['dist/compose.node', 'dist/compose.blob']) {
      rmSync(join(root, part));
      writeFileSync(join(root, part), 'of another Node');
    }
    expect(JSON.parse(config(root)).services.a.command).toEqual(['spoken']);
  });

  test.each([
    ['compose', 'config'],
    ['context', 'ls'],
  ])('%s: what cannot write says so in a line, and fails', (...words) => {
    const { status, stderr } = spawnSync(
      '/bin/sh',
      ['-c', '"$@" > /dev/full', 'sh', join(whole, 'bin/iechor'), ...words],
      {
        cwd: project,
        encoding: 'utf8',
        env: { ...process.env, WORD: 'spoken' },
      },
    );
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^iechor: the output cannot be written: .*no space left on device.*\n$/i),
    });
  });

  test('works through a symbolic link and by a relative path', () => {
    const link = join(project, 'iechor');
    symlinkSync(join(whole, 'bin/iechor'), link);
    expect(
      execFileSync('./iechor', ['compose', 'config', '--services', '--no-interpolate'], {
        cwd: project,
        encoding: 'utf8',
      }),
    ).toBe('a\n');
  });

  test('its programs end without waiting for a thread that compiles', () => {
    const given = readFileSync(join(whole, 'scripts/node.sh'), 'utf8').match(/^node_flags='(.*)'$/m)?.[1];
    expect(given?.split(' ')).toEqual(nodeFlags);
    for (const flag of nodeFlags) execFileSync(process.execPath, [flag, '--version']);
  });
});
