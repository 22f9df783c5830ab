import { expect, test } from '@jest/globals';
import { canonicalHost } from '../../../src/engine/canonical-host.ts';
import type { ContainerRecord } from '../../../src/engine/container-record.ts';

const find = (name: string) => (name === 'db' ? ({ id: 'f00d' } as ContainerRecord) : undefined);

test('containers whose namespaces are shared are kept by id', () => {
  expect(canonicalHost({ NetworkMode: 'container:db', IpcMode: 'container:db', PidMode: 'host' }, find)).toEqual({
    NetworkMode: 'container:f00d',
    IpcMode: 'container:f00d',
    PidMode: 'host',
  });
});

test('capabilities have their full names, in order', () => {
  const { CapAdd, CapDrop } =
    canonicalHost({ CapAdd: ['sys_time', 'ALL', 'CAP_NET_ADMIN'], CapDrop: ['chown'] }, find) ?? {};
  expect(CapAdd).toEqual(['ALL', 'CAP_NET_ADMIN', 'CAP_SYS_TIME']);
  expect(CapDrop).toEqual(['CAP_CHOWN']);
});
