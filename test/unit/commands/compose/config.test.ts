// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Diagnostic } from '../../../../src/common/diagnostic.ts';
import { type ProjectFiles, projectFiles } from '../../compose/source/project-files.ts';

const program = resolve('src/commands/iechor-main.ts');

function config(files: ProjectFiles, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'compose', 'config', ...args],
    { cwd: files.directory, encoding: 'utf8', env: { PATH: process.env.PATH ?? '', HOME: '/home/me' } },
  );
  return { status, out: stdout, err: stderr };
}
const found = (text: string): readonly Diagnostic[] => (JSON.parse(text) as { diagnostics: Diagnostic[] }).diagnostics;

describe('config --format json, for editors', () => {
  test('answers with all mistakes and warnings as data, on standard output', () => {
    using files = projectFiles({
      'compose.yaml': 'version: "3"\nservices:\n  web:\n    image: x\n    prots: []\n    tty: maybe\n',
    });
    const { status, out, err } = config(files, '--format', 'json');
    expect({ status, err }).toEqual({ status: 1, err: '' });
    expect(found(out)).toMatchObject([
      { severity: 'error', code: 'COMPOSE_UNKNOWN_KEY', path: 'services.web.prots', hint: 'did you mean "ports"?' },
      { severity: 'error', code: 'COMPOSE_VALUE', at: [{ line: 6, column: 10, endLine: 6, endColumn: 15 }] },
      { severity: 'warning', code: 'COMPOSE_OBSOLETE', at: [{ line: 1 }] },
    ]);
  });

  test('keeps standard output for the project where there is one', () => {
    using files = projectFiles({ 'compose.yaml': 'services: {web: {image: "x:$TAG"}}\n' });
    const shown = config(files, '--format', 'json');
    expect(JSON.parse(shown.out)).toMatchObject({ services: { web: { image: 'x:' } } });
    expect(found(shown.err)).toMatchObject([{ severity: 'warning', code: 'COMPOSE_UNSET_VARIABLE' }]);
    const checked = config(files, '-q', '--format', 'json');
    expect(found(checked.out)).toHaveLength(1);
    expect(checked).toMatchObject({ status: 0, err: '' });
  });

  test('answers with no findings for a project without any', () => {
    using files = projectFiles({ 'compose.yaml': 'services: {web: {image: x}}\n' });
    expect(found(config(files, '-q', '--format', 'json').out)).toEqual([]);
    expect(config(files, '-q')).toEqual({ status: 0, out: '', err: '' });
  });
});

test('config --variables adds a column to those of Docker Compose', () => {
  using files = projectFiles({ 'compose.yaml': 'services: {web: {image: "x:${A:-1}$B"}}\n', '.env': 'B=2\n' });
  expect(
    config(files, '--variables')
      .out.split('\n')
      .map((line) => line.split(/ {3,}/)),
  ).toEqual([
    ['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE', 'SOURCE'],
    ['A', 'false', '1', 'default'],
    ['B', 'false', '.env:1:1'],
    [''],
  ]);
  expect(JSON.parse(config(files, '--variables', '--format', 'json').out)).toMatchObject({
    A: { Name: 'A', DefaultValue: '1', PresenceValue: '', Required: false, Source: 'default' },
    B: { Source: 'env-file', At: { line: 1 } },
  });
});

test('names and hashes need no env files', () => {
  using files = projectFiles({ 'compose.yaml': 'services: {web: {image: x, env_file: none.env}}\n' });
  expect(config(files, '--services')).toMatchObject({ status: 0, out: 'web\n' });
  expect(config(files, '--images')).toMatchObject({ status: 0, out: 'x\n' });
  expect(config(files, '--hash', 'web').status).toBe(0);
  expect(config(files, '-q').status).toBe(1);
});

test('config --explain shows a value and where it was written', () => {
  using files = projectFiles({ 'compose.yaml': 'services: {web: {image: x, ports: ["80:80"]}}\n' });
  expect(config(files, '--explain', 'services.web.ports[0].published').out).toMatch(
    /: "80"\n\n {2}compose\.yaml:1:36 /,
  );
  expect(config(files, '--explain', 'services.web.imag')).toMatchObject({
    status: 1,
    err: expect.stringContaining('did you mean "image"?'),
  });
});
