/** Plays a daemon that will be killed: two containers on a network, then it waits. `daemon-fixture.ts <directory> <scope>` */
import { join } from 'node:path';
import { silentLog } from '../../../src/common/log.ts';
import { createNetworks } from '../../../src/network/networks.ts';
import { memoryStore } from './support.ts';

const [directory = '', scope = ''] = process.argv.slice(2);
const networks = await createNetworks({
  store: memoryStore(join(directory, 'store.json')),
  roots: { dataRoot: directory, execRoot: join(directory, 'run'), scope },
  log: silentLog,
});
const common = { driver: 'bridge', internal: false, attachable: false, enableIPv6: false, pools: [] };
await networks.create({ ...common, name: 'front', labels: {}, options: {}, ipamOptions: {} });
const dns = { servers: [], search: [], options: [] };
for (const containerName of ['web', 'db']) {
  const endpoints = [{ network: 'front', aliases: [] }];
  const ports =
    containerName === 'web' ? [{ protocol: 'tcp', hostAddress: '', hostPort: 8080, containerPort: 80 } as const] : [];
  await networks.up({ containerId: containerName.padEnd(64, 'e'), containerName, endpoints, ports, dns });
}
process.stdout.write('ready\n');
setInterval(() => {}, 1000);
