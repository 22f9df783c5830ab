import { readFileSync } from 'node:fs';
import type { Transport } from './netns-sockets.ts';

const listening = new Set(['0A', '07']);

/** Whether a socket of a process's network namespace waits on a port (TCP, SCTP), or is bound to it (UDP). */
export function listensOn(pid: number, protocol: Transport, port: number): boolean {
  // ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS
  if (protocol === 'sctp') {
    return rows(`/proc/${pid}/net/sctp/eps`).some((line) => line.trim().split(/\s+/)[5] === String(port));
  }
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return [protocol, `${protocol}6`].some((table) =>
    rows(`/proc/${pid}/net/${table}`).some((line) => {
      const [, local = '', , state = ''] = line.trim().split(/\s+/);
      return local.endsWith(wanted) && listening.has(state);
    }),
  );
}

/** Empty where the process is gone. */
function rows(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1);
  } catch {
    return [];
  }
}
