import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { ociSpec, type SpecInput } from '../../../src/engine/oci-spec.ts';
import { specInput } from '../../unit/engine/oci-input.ts';

/** Written anew with UPDATE_GOLDEN=1; the difference is the review. */
const cases: Record<string, Partial<SpecInput>> = {
  default: {},
  privileged: { host: { Privileged: true } },
  strict: {
    tty: true,
    user: { uid: 1000, gid: 1000, additionalGids: [1000, 44], home: '/home/app' },
    domainname: 'example',
    host: {
      CapDrop: ['ALL'],
      CapAdd: ['CAP_NET_BIND_SERVICE'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Memory: 64 * 1024 * 1024,
      NanoCpus: 1_500_000_000,
      PidsLimit: 50,
      ShmSize: 1024 * 1024,
      Sysctls: { 'net.core.somaxconn': '1024' },
      Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
      OomScoreAdj: 500,
    },
    mounts: [
      { destination: '/data/inner', type: 'bind', source: '/a', options: ['rbind', 'rprivate', 'ro'] },
      { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['noexec'] },
      { destination: '/etc/hosts', type: 'bind', source: '/own-hosts', options: ['rbind', 'rslave'] },
    ],
  },
  'host-namespaces': {
    host: { NetworkMode: 'host', PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' },
    namespaces: { network: 'host', pid: 'host', ipc: 'host', uts: 'host' },
  },
};

test.each(Object.entries(cases))('the specification of a %s container is the one agreed on', (name, change) => {
  const file = fileURLToPath(new URL(`./${name}.golden.json`, import.meta.url));
  const spec = ociSpec(specInput(change));
  const text = `${JSON.stringify(spec, null, 2)}\n`;
  if (process.env.UPDATE_GOLDEN || !existsSync(file)) writeFileSync(file, text);
  expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
});
