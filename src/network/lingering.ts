import { withNetlink } from '../host/netlink.ts';
import { deleteLink, listLinks } from '../host/netlink-links.ts';
import { addressesOf, type KernelNames, type Records, type StoredEndpoint } from './records.ts';

/** Endpoints given back a moment ago, which the kernel may not have let go of yet. */
export interface Lingering {
  add(endpoint: StoredEndpoint): void;
  /** Addresses of a network that others than this container gave back. */
  addresses(networkId: string, containerId: string): ReadonlySet<string>;
  /** The addresses this container gave back: it gets them again when it is only restarted. */
  former(networkId: string, containerId: string): readonly string[];
  close(): void;
}

const lingerMs = 3000;

/**
 * A namespace that is let go takes its links along a little later, unless something still pins it. Addresses are not
 * given to others for that time, and links that outlast it are deleted.
 */
export function createLingering(names: KernelNames, records: Records): Lingering {
  const recent = new Map<string, { endpoint: StoredEndpoint; until: number }>();
  const on = (networkId: string) =>
    [...recent.values()].map((entry) => entry.endpoint).filter((one) => one.networkId === networkId);
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    timer = undefined;
    const now = performance.now();
    const due = [...recent].filter(([, entry]) => entry.until <= now).map(([link]) => link);
    for (const link of due) recent.delete(link);
    const used = new Set(records.endpoints().map((endpoint) => endpoint.hostInterface));
    withNetlink(undefined, (netlink) => {
      const left = listLinks(netlink).filter((link) => link.group === names.group);
      const stuck = left.filter(({ name }) => due.includes(name) && !used.has(name));
      netlink.send(...stuck.map(({ name }) => deleteLink(name)));
    });
    if (recent.size > 0) timer = setTimeout(check, lingerMs).unref();
  };
  return {
    add: (endpoint) => {
      if (endpoint.hostInterface === undefined) return;
      recent.set(endpoint.hostInterface, { endpoint, until: performance.now() + lingerMs });
      timer ??= setTimeout(check, lingerMs + 50).unref();
    },
    addresses: (networkId, containerId) =>
      new Set(
        on(networkId)
          .filter((one) => one.containerId !== containerId)
          .flatMap(addressesOf),
      ),
    former: (networkId, containerId) => addressesOf(on(networkId).find((one) => one.containerId === containerId) ?? {}),
    close: () => clearTimeout(timer),
  };
}
