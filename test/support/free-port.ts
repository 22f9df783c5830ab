import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Where the kernel begins with the ports of connections, and of listeners that name none. */
const firstOfKernel = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);

/** A port that nobody has at the moment, and that the kernel gives to nobody of its own accord. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, Math.max(firstOfKernel, 20_000));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
