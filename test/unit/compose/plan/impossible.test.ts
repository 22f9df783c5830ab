import { describe, expect, test } from '@jest/globals';
import { desiredOf } from '../../../../src/compose/plan/desired.ts';
import { refuseImpossible } from '../../../../src/compose/plan/impossible.ts';
import { plainUp } from '../../../../src/compose/plan/intent.ts';
import { up } from '../../../../src/compose/up.ts';
import { createFakeEngine } from '../../../support/fake-engine.ts';
import { fakeSession } from '../../../support/fake-session.ts';
import { projectFiles, service } from '../source/project-files.ts';

const loaded = async (text: string) => {
  using files = projectFiles({ 'compose.yaml': service(text) });
  return await files.load();
};

describe('values no engine can give', () => {
  test.each([
    ['mem_limit: 1k', 'mem_limit is too little: no container starts with less than 6m'],
    [
      'deploy: {resources: {limits: {memory: 1m}}}',
      'deploy.resources.limits.memory is too little: no container starts with less than 6m',
    ],
    ['cpus: -1', 'cpus must not be negative'],
    ['pids_limit: -2', 'pids_limit must be -1 (no limit) or more'],
    ['stop_grace_period: -1s', 'stop_grace_period must not be negative'],
    ['healthcheck: {test: "true", retries: 1, interval: -2s}', 'healthcheck.interval must not be negative'],
    [`hostname: ${'a'.repeat(65)}`, 'hostname is no host name: at most 64 letters, digits, ".", "_" and "-"'],
    ['ulimits: {nofile: {soft: 5, hard: 1}}', 'ulimits.nofile has a soft limit above the hard one'],
  ])('%s', async (text, message) => {
    const { project } = await loaded(text);
    const desired = desiredOf(project);
    expect(() => refuseImpossible(desired, new Set(['web']))).toThrow(`services.web.${message}`);
  });

  test.each([
    'mem_limit: 6m',
    'cpus: 0',
    'pids_limit: -1',
    'ulimits: {nofile: {soft: 5, hard: -1}}',
    'hostname: a.b-c_d',
  ])('%s is one it can give', async (text) => {
    const { project } = await loaded(text);
    expect(() => refuseImpossible(desiredOf(project), new Set(['web']))).not.toThrow();
  });

  test.each([['mem_limit: 1k'], ['scale: 1000000']])('%s makes nothing', async (text) => {
    const { project } = await loaded(text);
    const engine = createFakeEngine({ x: 'sha256:00' });
    await expect(up(fakeSession(engine), project, plainUp)).rejects.toMatchObject({ code: 'COMPOSE_INVALID' });
    expect([engine.containers.size, engine.networks.size]).toEqual([0, 0]);
  });
});
