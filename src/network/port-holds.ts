import { closeSync } from 'node:fs';
import { messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { holdPort, openSocket } from '../host/netns-sockets.ts';
import { type Relay, type RelayMember, type RelayTarget, relayTcp, relayUdp } from './relay.ts';
import { inService } from './serving.ts';
import type { PortProtocol, Serving } from './types.ts';

/** A port of the host that no other process may take while a container has it. */
export interface PortHold {
  readonly protocol: PortProtocol;
  readonly address: string;
  readonly port: number;
  /** Where what no rule of the firewall leads to the container is relayed to. */
  readonly relay?: RelayTarget;
}

/** Ports of the host, each held, and relayed where asked for, once for all the containers that publish it. */
export interface PortHolds {
  /** Of one container; taken again, its part is changed. Throws HOST_SYSCALL_FAILED where another process has it. */
  take(container: { readonly id: string; readonly serving: Serving }, hold: PortHold): void;
  /** Idempotent. */
  release(id: string, hold: PortHold): void;
}

interface Member extends RelayMember {
  readonly serving: Serving;
}
interface Held {
  readonly users: Map<string, Member | undefined>;
  readonly relay?: Relay;
  close(): void;
}

export const holdKey = ({ protocol, address, port }: PortHold): string => `${protocol} ${address} ${port}`;

export function createPortHolds(log: Log): PortHolds {
  const taken = new Map<string, Held>();
  return {
    take: ({ id, serving }, hold) => {
      const key = holdKey(hold);
      const held = taken.get(key) ?? open(hold, log);
      held.users.set(id, hold.relay && { id, serving, target: hold.relay });
      taken.set(key, held);
    },
    release: (id, hold) => {
      const held = taken.get(holdKey(hold));
      if (!held?.users.delete(id)) return;
      held.relay?.leave(id);
      if (held.users.size > 0) return;
      held.close();
      taken.delete(holdKey(hold));
    },
  };
}

function open(hold: PortHold, log: Log): Held {
  const users = new Map<string, Member | undefined>();
  const { protocol, address, port } = hold;
  if (!hold.relay || protocol === 'sctp') {
    const fd = holdPort(protocol, address, port);
    return { users, close: () => closeSync(fd) };
  }
  let turn = 0;
  const next = () => {
    const members = inService([...users.values()].flatMap((member) => member ?? []));
    turn += 1;
    const first = turn % Math.max(1, members.length);
    return [...members.slice(first), ...members.slice(0, first)];
  };
  const failed = (error: Error) => log.warn('relay', { port: holdKey(hold), error: messageOf(error) });
  const tcp = protocol === 'tcp';
  const { fd } = openSocket(protocol, { address, port }, tcp ? { listen: true, reuse: true } : {});
  const relay = (tcp ? relayTcp : relayUdp)(fd, { next, failed });
  return { users, relay, close: relay.close };
}
