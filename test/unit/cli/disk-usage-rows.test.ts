import { expect, test } from '@jest/globals';
import type { DiskUsageReply } from '../../../src/api/types/system.ts';
import { diskUsageRows, diskUsageText } from '../../../src/cli/disk-usage-rows.ts';

const usage = {
  LayersSize: 2_000_000,
  Images: [
    {
      ...{ Id: `sha256:${'a'.repeat(64)}`, ParentId: '', RepoTags: ['busybox:latest', 'busybox:old'], RepoDigests: [] },
      ...{ Created: 0, Size: 2_000_000, SharedSize: 500_000, Labels: null, Containers: 1 },
    },
  ],
  Containers: [],
  Volumes: [
    {
      ...{
        Name: 'data',
        Driver: 'local',
        Mountpoint: '/v',
        CreatedAt: '',
        Labels: null,
        Scope: 'local',
        Options: null,
      },
      UsageData: { RefCount: 3, Size: 1234 },
    },
  ],
  BuildCache: [
    {
      ...{ ID: 'step', Type: 'regular', Description: 'RUN make', InUse: false, Shared: true, Size: 4096 },
      ...{ CreatedAt: '1970-01-01T00:00:00Z', LastUsedAt: null },
    },
  ],
} as unknown as DiskUsageReply;

test('everything that takes place is listed by kind, with sizes and who holds it', () => {
  const rows = diskUsageRows(usage, { now: 60_000, truncate: true });
  expect(rows.Images).toMatchObject([{ SharedSize: '500kB', UniqueSize: '1.5MB', Containers: '1' }]);
  expect(rows.Volumes).toMatchObject([{ Name: 'data', Links: '3', Size: '1.23kB' }]);
  const text = diskUsageText(rows, 4096).split('\n');
  expect(text).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^busybox +latest +a{12} .* 2MB +500kB +1.5MB +1$/),
      expect.stringMatching(/^data +3 +1.23kB$/),
      'Build cache usage: 4.1kB',
      expect.stringMatching(/^step +regular +4.1kB +About a minute ago .* false +true +RUN make$/),
    ]),
  );
});
