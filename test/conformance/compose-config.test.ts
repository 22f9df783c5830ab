import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NetworkInspect, Volume } from '../../src/api/types/network.ts';
import { isIechorError } from '../../src/common/error.ts';
import { renderConfig } from '../../src/compose/config.ts';
import { down } from '../../src/compose/down.ts';
import type { Project } from '../../src/compose/model/project.ts';
import { desiredOf } from '../../src/compose/plan/desired.ts';
import { plainUp } from '../../src/compose/plan/intent.ts';
import { load } from '../../src/compose/source/load.ts';
import { up } from '../../src/compose/up.ts';
import { createFakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { fakeSession } from '../support/fake-session.ts';

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

  const projectOf = async (one: Case): Promise<Project> => {
    const cwd = join(root, one.dir, one.cwd ?? '.');
    const args = (one.args ?? []).map((arg) => arg.replaceAll('@ROOT@', scratch));
    const environment: Record<string, string> = { PATH: '/usr/bin:/bin', HOME: join(scratch, 'home'), PWD: cwd };
    for (const [name, value] of Object.entries(one.env ?? {})) environment[name] = value.replaceAll('@ROOT@', scratch);
    const envFiles = args.flatMap((arg, at) => (arg === '--env-file' ? [args[at + 1] ?? ''] : []));
    return (await load({ cwd, environment, files: one.files, profiles: one.profiles, envFiles })).project;
  };
  const answer = async (one: Case): Promise<Golden> => {
    try {
      const project = await projectOf(one);
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

  test('get a plan whose result needs no other, or are refused with a reason; down leaves nothing of it', async () => {
    const wrong: string[] = [];
    let planned = 0;
    for (const one of cases) {
      const project = await projectOf(one).catch(() => undefined);
      if (!project) continue;
      const images = [...desiredOf(project).services.values()].map(({ image }) => [image, `sha256:${image.length}`]);
      const engine = createFakeEngine(Object.fromEntries(images) as Record<string, string>);
      engine.server = 'iEchor/0.0.0';
      externals(project, engine);
      try {
        const { plan } = await up(fakeSession(engine), project, plainUp, { dryRun: true });
        planned += plan.length > 0 ? 1 : 0;
        expect(engine.calls).toEqual([]);
        await up(fakeSession(engine), project, { ...plainUp, build: 'never', start: false });
        const again = await up(
          fakeSession(engine),
          project,
          { ...plainUp, build: 'never', start: false },
          { dryRun: true },
        );
        expect(again.plan.map(({ kind, target, reason }) => `${kind} ${target} ${reason}`)).toEqual([]);
        const intent = { services: [], volumes: false, images: 'none', removeOrphans: true } as const;
        await down(fakeSession(engine), { project: project.name }, { intent });
        expect([...engine.containers.values()].map(({ name }) => name)).toEqual([]);
      } catch (error) {
        if (!isIechorError(error) || /fake engine/.test(error.message))
          wrong.push(`${one.name}: ${String(error).slice(0, 400)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(planned).toBeGreaterThan(150);
  });

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

/** What a project takes for granted. */
function externals(project: Project, engine: FakeEngine): void {
  for (const { name, external } of Object.values(project.networks)) {
    if (external) engine.networks.set(name, { Name: name, Id: `n-${name}`, Labels: {} } as NetworkInspect);
  }
  for (const { name, external } of Object.values(project.volumes)) {
    if (external) engine.volumes.set(name, { Name: name, Labels: {} } as Volume);
  }
}
