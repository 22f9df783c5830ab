import { readFileSync } from 'node:fs';

const listening = new Set(['0A', '07']);

/** Whether a socket of a process's network namespace waits on a port (TCP), or is bound to it (UDP). */
export function listensOn(pid: number, protocol: 'tcp' | 'udp', port: number): boolean {
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
