import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dockerModelRunner } from '../../../src/cli/model-runner.ts';
import { plainUp } from '../../../src/compose/plan/intent.ts';
import { up } from '../../../src/compose/up.ts';
import { project, service } from '../../support/compose-model.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { fakeSession } from '../../support/fake-session.ts';

/** A stand-in for the plugin: it notes how it is called, and answers as the plugin does. */
const plugin = (answers: string) => `#!/bin/sh
for word; do printf '%s|' "$word"; done >> "$CALLS"; echo >> "$CALLS"
case "$1" in
${answers}
esac
`;
const working = `ls) echo '[{"id": "sha256:1", "tags": ["ai/known", "ai/known:latest"]}]' ;;
status) echo '{"running": true, "endpoint": "http://model-runner.docker.internal/engines/v1/"}' ;;
pull) echo 'Downloaded 12%'; echo 'Model pulled' ;;
configure) ;;`;

describe('models, by the CLI plugin docker-model', () => {
  let dir: string;
  let environment: Record<string, string>;
  const install = (answers: string) => {
    mkdirSync(join(dir, 'cli-plugins'), { recursive: true });
    writeFileSync(join(dir, 'cli-plugins', 'docker-model'), plugin(answers), { mode: 0o755 });
  };
  const calls = () => readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n');
  const models = {
    llm: { model: 'ai/known' },
    'big-one': { model: 'ai/new:7B', context_size: 4096, runtime_flags: ['--temp', '0.5'] },
  };
  const asking = () => ({
    ...project({
      app: service({ models: { llm: null, 'big-one': { endpoint_var: 'BIG', model_var: 'WHICH' } } }),
    }),
    models,
    environment,
  });
  const session = (engine = createFakeEngine()) => ({
    ...fakeSession(engine),
    modelRunner: async (own: Readonly<Record<string, string | undefined>>) => dockerModelRunner(own),
  });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-models-'));
    environment = { DOCKER_CONFIG: dir, CALLS: join(dir, 'calls'), PATH: process.env.PATH ?? '' };
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('are pulled where they are missing, configured, and named to their services with the URL of the runner', async () => {
    install(working);
    const engine = createFakeEngine();
    await up(session(engine), asking(), plainUp);
    expect(calls()).toEqual([
      'ls|--json|',
      'configure|ai/known|',
      'status|--json|',
      'ls|--json|',
      'pull|ai/new:7B|',
      'configure|--context-size|4096|ai/new:7B|--|--temp|0.5|',
      'status|--json|',
    ]);
    const [container] = [...engine.containers.values()];
    const url = 'http://model-runner.docker.internal/engines/v1/';
    expect([...(container?.body.Env ?? [])].sort()).toEqual(
      [`BIG=${url}`, 'LLM_MODEL=ai/known', `LLM_URL=${url}`, 'WHICH=ai/new:7B'].sort(),
    );
  });

  test('come before everything else: where one cannot be pulled nothing is made, and the plugin is quoted', async () => {
    install(working.replace(/pull\).*/, "pull) echo 'no such model: ai/new:7B' >&2; exit 3 ;;"));
    const engine = createFakeEngine();
    await expect(up(session(engine), asking(), plainUp)).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
      message: 'docker-model pull failed: no such model: ai/new:7B',
    });
    expect(engine.calls).toEqual([]);
  });

  test('are no use where the runner does not say its URL', async () => {
    install(working.replace(/status\).*/, `status) echo '{"running": false}' ;;`));
    await expect(up(session(), asking(), plainUp)).rejects.toThrow('docker-model does not say where it serves models');
  });

  test('are not asked for by --dry-run', async () => {
    install(working);
    const own = session();
    await up(own, asking(), plainUp, { dryRun: true });
    expect(() => calls()).toThrow('ENOENT');
    expect(own.notices.join()).toContain('model llm comes first');
  });
});
