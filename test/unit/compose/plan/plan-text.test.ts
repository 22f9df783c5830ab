import { beforeAll, describe, expect, test } from '@jest/globals';
import { down } from '../../../../src/compose/down.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { withPlaces } from '../../../../src/compose/plan/places.ts';
import { type Plan, renderPlan } from '../../../../src/compose/plan/plan.ts';
import { renderDifference } from '../../../../src/compose/plan/difference.ts';
import type { Loaded } from '../../../../src/compose/source/load.ts';
import { load } from '../../../../src/compose/source/load.ts';
import { up } from '../../../../src/compose/up.ts';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';

const text = (secret: string) => `name: shop
services:
  web:
    image: busybox:latest
    command: ["serve", "--db-password", "${secret}", "--url=https://me:${secret}@host/"]
    entrypoint: ["env", "API_KEY=${secret}", "run"]
    environment: {DB_PASSWORD: "${secret}", PLAIN: "${secret}"}
    labels: {auth-token: "${secret}"}
    secrets: [key]
    configs: [site]
    volumes: ["share:/d"]
    healthcheck: {test: ["CMD", "check", "--token=${secret}"]}
    build: {context: ., args: {NPM_TOKEN: "${secret}"}, labels: {password: "${secret}"}}
networks:
  default: {driver_opts: {com.example.password: "${secret}"}}
volumes:
  share: {driver_opts: {type: cifs, o: "username=me,password=${secret}"}}
secrets: {key: {environment: KEY}}
configs: {site: {content: "token=${secret}"}}
`;

describe('what is told of a plan', () => {
  let engine: FakeEngine;
  const projectOf = (secret: string): Promise<Loaded> =>
    load({ files: ['-'], cwd: '/', environment: { KEY: secret }, stdin: async () => text(secret) });
  const shown = ({ project, origins }: Loaded, ...plans: readonly Plan[]) =>
    plans
      .filter((plan) => plan.length > 0)
      .map((plan) => renderPlan(withPlaces(plan, project, (...path) => origins.spans(path))))
      .join('');

  beforeAll(async () => {
    engine = createFakeEngine({ 'busybox:latest': 'sha256:b0' });
    await up(fakeSession(engine), (await projectOf('hunter2')).project, { ...plainUp, build: 'never' });
  });

  test('holds no secret, old or new', async () => {
    const loaded = await projectOf('hunter3');
    const notices: string[] = [];
    const session = { ...fakeSession(engine), notice: (notice: string) => notices.push(notice) };
    const { images, plan } = await up(session, loaded.project, { ...plainUp, build: 'always' }, { dryRun: true });
    const gone = await down(
      session,
      { project: 'shop' },
      {
        intent: { services: [], volumes: true, images: 'all', removeOrphans: true },
        project: loaded.project,
        dryRun: true,
      },
    );
    const all = [shown(loaded, images, plan, gone), renderDifference(plan), ...notices].join('\n');
    expect(all).not.toMatch(/hunter/);
    for (const part of ['environment.DB_PASSWORD changed', 'labels.auth-token changed', 'password (none) -> ***'])
      expect(all).toContain(part);
  });

  test('names a place for every step', async () => {
    const loaded = await projectOf('hunter3');
    const { images, plan } = await up(fakeSession(engine), loaded.project, plainUp, { dryRun: true });
    const lines = shown(loaded, images, plan).trim().split('\n');
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line).toMatch(/\(-:\d+\)/);
  });
});
