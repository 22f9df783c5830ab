import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isIechorError } from '../../src/common/error.ts';
import { renderConfig } from '../../src/compose/config.ts';
import { load } from '../../src/compose/source/load.ts';

interface Case {
  readonly name: string;
  readonly dir: string;
  readonly cwd?: string;
  readonly files: readonly string[];
  readonly profiles: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}
interface Golden {
  readonly name: string;
  readonly expected: 'ok' | 'error';
  readonly config?: unknown;
}

const archive = resolve('../shared/corpus/compose-config.tgz');
const present = existsSync(archive);
if (!present)
  process.stderr.write(`SKIPPED: the corpus of Compose projects is not beside this checkout (${archive})\n`);

const lines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);

(present ? describe : describe.skip)('Compose projects of others', () => {
  let scratch = '';
  let root = '';
  let cases: Case[] = [];
  let golden = new Map<string, Golden>();
  beforeAll(() => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'iechor-corpus-')));
    for (const name of ['data', 'home', 'u/v/w']) mkdirSync(join(scratch, name), { recursive: true });
    execFileSync('tar', ['-xzf', archive, '-C', join(scratch, 'data')]);
    root = join(scratch, 'u/v/w/cases');
    cpSync(join(scratch, 'data/cases'), root, { recursive: true });
    cases = lines<Case>(join(scratch, 'data/manifest.jsonl'));
    golden = new Map(lines<Golden>(join(scratch, 'data/golden.jsonl')).map((one) => [one.name, one]));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const answer = async (one: Case): Promise<Golden> => {
    const cwd = join(root, one.dir, one.cwd ?? '.');
    const args = (one.args ?? []).map((arg) => arg.replaceAll('@ROOT@', scratch));
    const environment: Record<string, string> = { PATH: '/usr/bin:/bin', HOME: join(scratch, 'home'), PWD: cwd };
    for (const [name, value] of Object.entries(one.env ?? {})) environment[name] = value.replaceAll('@ROOT@', scratch);
    const envFiles = args.flatMap((arg, at) => (arg === '--env-file' ? [args[at + 1] ?? ''] : []));
    try {
      const { project } = await load({ cwd, environment, files: one.files, profiles: one.profiles, envFiles });
      return {
        name: one.name,
        expected: 'ok',
        config: JSON.parse(renderConfig(project, 'json').replaceAll(scratch, '@ROOT@')),
      };
    } catch (error) {
      if (!isIechorError(error)) throw error;
      expect(error.diagnostics.length).toBeGreaterThan(0);
      return { name: one.name, expected: 'error' };
    }
  };

  test('are read as Docker Compose reads them, and refused where it refuses them', async () => {
    const differing: string[] = [];
    for (const one of cases) {
      const wanted = golden.get(one.name) as Golden;
      const got = await answer(one);
      try {
        expect(got.expected).toBe(wanted.expected);
        if (wanted.expected === 'ok') expect(got.config).toEqual(wanted.config);
      } catch (difference) {
        differing.push(`${one.name}: ${String(difference).slice(0, 400)}`);
      }
    }
    expect(differing).toEqual([]);
    expect(cases.length).toBeGreaterThan(300);
  });
});
