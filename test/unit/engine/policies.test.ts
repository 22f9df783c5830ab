import { expect, test } from '@jest/globals';
import type { ContainerRecord } from '../../../src/engine/container-record.ts';
import { afterProbe } from '../../../src/engine/health-state.ts';
import { hostsText } from '../../../src/engine/hosts-file.ts';
import { restartDelay } from '../../../src/engine/restart-policy.ts';
import { humanDuration, statusText } from '../../../src/engine/status-text.ts';
import { createWaiters } from '../../../src/engine/waiters.ts';

const run = { exitCode: 1, stoppedByUser: false, restartCount: 0, ranMs: 5, lastDelayMs: 0 };

test('restarts back off from 100 ms to a minute, and begin anew after ten seconds of running', () => {
  const policy = { Name: 'always' as const };
  const delays: number[] = [];
  let last = 0;
  for (let count = 0; count < 12; count++) {
    last = restartDelay(policy, { ...run, lastDelayMs: last }) ?? -1;
    delays.push(last);
  }
  expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800]);
  expect(delays.at(-1)).toBe(60_000);
  expect(restartDelay(policy, { ...run, lastDelayMs: 60_000, ranMs: 10_000 })).toBe(100);
});

test.each([
  [undefined, {}, false],
  [{ Name: 'no' as const }, {}, false],
  [{ Name: 'always' as const }, { exitCode: 0 }, true],
  [{ Name: 'always' as const }, { stoppedByUser: true }, false],
  [{ Name: 'on-failure' as const }, { exitCode: 0 }, false],
  [{ Name: 'on-failure' as const, MaximumRetryCount: 2 }, { restartCount: 1 }, true],
  [{ Name: 'on-failure' as const, MaximumRetryCount: 2 }, { restartCount: 2 }, false],
])('policy %j after %j restarts: %s', (policy, change, restarts) => {
  expect(restartDelay(policy, { ...run, ...change }) !== undefined).toBe(restarts);
});

test('health needs one success, or as many failures in a row as there are retries', () => {
  const entry = (ExitCode: number) => ({ Start: '', End: '', ExitCode, Output: '' });
  let health = { status: 'starting' as const, failingStreak: 0, log: [] } as Parameters<typeof afterProbe>[0];
  health = afterProbe(health, entry(1), { retries: 2, inStartPeriod: true });
  expect(health).toMatchObject({ status: 'starting', failingStreak: 0 });
  health = afterProbe(health, entry(1), { retries: 2, inStartPeriod: false });
  expect(health).toMatchObject({ status: 'starting', failingStreak: 1 });
  health = afterProbe(health, entry(1), { retries: 2, inStartPeriod: false });
  expect(health.status).toBe('unhealthy');
  for (let count = 0; count < 9; count++) health = afterProbe(health, entry(0), { retries: 2, inStartPeriod: false });
  expect(health).toMatchObject({ status: 'healthy', failingStreak: 0 });
  expect(health.log).toHaveLength(5);
});

test.each([
  [0, 'Less than a second'],
  [1500, '1 second'],
  [59_000, '59 seconds'],
  [61_000, 'About a minute'],
  [45 * 60_000, '45 minutes'],
  [46 * 60_000 + 3_600_000, '2 hours'],
  [47 * 3_600_000, '47 hours'],
  [50 * 3_600_000, '2 days'],
  [20 * 86_400_000, '2 weeks'],
  [800 * 86_400_000, '2 years'],
])('%d ms read as %s', (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

test('the status says what people look for', () => {
  const at = (status: string, change = {}) =>
    statusText(
      {
        status,
        exitCode: 3,
        startedAt: '2026-01-01T00:00:00Z',
        finishedAt: '2026-01-01T00:02:00Z',
        ...change,
      } as ContainerRecord,
      Date.parse('2026-01-01T00:03:00Z'),
    );
  expect(at('running', { health: { status: 'starting' } })).toBe('Up 3 minutes (health: starting)');
  expect(at('running', { health: { status: 'unhealthy' } })).toBe('Up 3 minutes (unhealthy)');
  expect(at('exited')).toBe('Exited (3) About a minute ago');
  expect(at('restarting')).toBe('Restarting (3) About a minute ago');
});

test('the hosts file names the container, extra hosts and the gateway', () => {
  const text = hostsText({
    hostname: 'web',
    domainname: 'example.org',
    extraHosts: ['db:10.0.0.5', 'six:[fd00::1]', 'gw=host-gateway'],
    hostGateway: '172.17.0.1',
    endpoints: [{ ipv4Address: '172.17.0.2' } as Parameters<typeof hostsText>[0]['endpoints'][number]],
  });
  expect(text.split('\n').slice(6)).toEqual([
    '10.0.0.5\tdb',
    'fd00::1\tsix',
    '172.17.0.1\tgw',
    '172.17.0.2\tweb.example.org\tweb',
    '',
  ]);
});

test('waiters are all told, give up at their timeout, and leave at the signal', async () => {
  const waiters = createWaiters<number>();
  const both = Promise.all([waiters.wait('a'), waiters.wait('a')]);
  waiters.notify('b', 1);
  waiters.notify('a', 2);
  expect(await both).toEqual([2, 2]);
  expect(await waiters.wait('a', { timeoutMs: 1 })).toBeUndefined();
  await expect(waiters.wait('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
