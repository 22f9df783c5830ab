import { IechorError } from '../common/error.ts';

/** Whose namespaces a container shares; a sysctl of a shared one would change somebody else's. */
export interface SharedNamespaces {
  readonly network: boolean;
  readonly ipc: boolean;
}

const ipcSysctls = /^(kernel\.(msg(max|mnb|mni)|sem|shm(all|max|mni)|shm_rmid_forced)|fs\.mqueue\..+)$/;
const networkSysctls = /^net\.[a-z0-9_./-]+$/;

/** Throws BAD_REQUEST for a sysctl that is not namespaced, or whose namespace is shared. */
export function checkSysctls(sysctls: Readonly<Record<string, string>>, shared: SharedNamespaces): void {
  for (const name of Object.keys(sysctls)) {
    const ipc = ipcSysctls.test(name);
    if (!ipc && !networkSysctls.test(name)) {
      throw new IechorError('BAD_REQUEST', `sysctl '${name}' is not allowed`, {
        hint: 'only kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.* and net.* belong to a container',
      });
    }
    if (ipc ? shared.ipc : shared.network) {
      throw new IechorError('BAD_REQUEST', `sysctl '${name}' is not allowed while its namespace is shared`);
    }
  }
}

/** What every container with a network of its own gets: low ports and ping need no capability in it. */
export const networkDefaults: Readonly<Record<string, string>> = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
};
