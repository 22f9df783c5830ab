import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/common/log.ts';
import { mountAt } from '../../../src/host/mount.ts';
import { openRuntime } from '../../../src/host/oci-runtime.ts';
import { findProgram, probeRuntime, runtimeHint } from '../../../src/host/runtime-probe.ts';
import { skipReason } from './tiny-host.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const check = skipReason === undefined ? test : test.skip;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-runtime-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

check('a runtime that works is probed once per program and boot', async () => {
  const calls = join(dir, 'calls');
  const wrapper = join(dir, 'crun');
  writeFileSync(wrapper, `#!/bin/sh\necho "$*" >> ${calls}\nexec ${findProgram('crun')} "$@"\n`, { mode: 0o755 });
  const open = () => openRuntime({ root: join(dir, 'root'), preferred: wrapper, log: silentLog });
  const first = await open();
  const called = readFileSync(calls, 'utf8');
  expect(called).toContain(' run --bundle ');
  expect(await open()).toMatchObject({ path: wrapper, version: first.version });
  expect(readFileSync(calls, 'utf8')).toBe(called);
  expect(readdirSync(join(dir, 'root/scratch'))).toEqual([]);
});

check('what a runtime that was killed has left of itself goes at the next start', async () => {
  const copy = join(dir, 'crun.a1B2c3');
  writeFileSync(copy, '');
  mountAt({ type: 'none', source: '/proc/self/exe', options: ['bind'] }, copy);
  const { env } = await openRuntime({ root: dir, log: silentLog });
  expect(readdirSync(dir)).not.toContain('crun.a1B2c3');
  expect(env).toMatchObject({ _LIBCONTAINER_STATEDIR: dir });
});

check('a runtime that cannot run a container is passed over', async () => {
  const broken = join(dir, 'crun');
  writeFileSync(
    broken,
    '#!/bin/sh\n[ "$1" = --version ] && echo crun version 9.9 && exit\necho "out of order" >&2; exit 1\n',
    {
      mode: 0o755,
    },
  );
  const probed = await probeRuntime('crun', broken, { cacheFile: join(dir, 'cache'), scratch: join(dir, 'scratch') });
  expect(probed).toEqual({ name: 'crun', path: broken, version: '9.9', failure: 'out of order' });
  const chosen = await openRuntime({ root: join(dir, 'root'), preferred: broken, log: silentLog });
  expect(chosen.path).not.toBe(broken);
});

test('the cure of the hybrid host that crun refuses is named', () => {
  const hint = runtimeHint([
    'cgroups in hybrid mode not supported, drop all controllers from cgroupv2',
    'not installed',
  ]);
  expect(hint).toContain('mount -t cgroup -o hugetlb');
  expect(runtimeHint(['not installed', 'not installed'])).toContain('apt-get install crun');
});
