import { connect as open } from 'node:net';
import { codeOf, IechorError } from '../common/error.ts';

/** Whether something accepts connections. A socket file without a listener does not. Throws NOT_ROOT when it may not be opened. */
export function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = open(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (codeOf(error) !== 'EACCES') return resolve(false);
      reject(
        new IechorError('NOT_ROOT', `no permission to use the engine's socket ${socketPath}`, {
          hint: "run the command as root (sudo), or as a member of the socket's group",
        }),
      );
    });
  });
}
