import { Socket } from 'node:net';
import { openSocket } from './netns-sockets.ts';

/**
 * A connection from within a network namespace (none: the own one) to a port of its loopback address, being opened:
 * `connect` or `error` says how it went. No process is needed for it.
 */
export function dialLoopback(netns: string | undefined, port: number): Socket {
  const any = { address: '0.0.0.0', port: 0 };
  const { fd } = openSocket('tcp', any, netns === undefined ? {} : { netns });
  const socket = new Socket({ fd });
  socket.connect({ host: '127.0.0.1', port });
  return socket;
}
