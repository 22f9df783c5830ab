import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { codeOf, IechorError } from '../common/error.ts';

/**
 * Makes this process the only daemon of a data root (which exists already), until `release` or death: the kernel
 * frees an abstract socket with its process. Throws DAEMON_RUNNING naming the holder.
 */
export async function lockDataRoot(dataRoot: string): Promise<{ release(): void }> {
  const root = realpathSync(dataRoot);
  const address = `\0iechord-${createHash('sha256').update(root).digest('hex').slice(0, 32)}`;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(String(process.pid));
  });
  try {
    await listen(server, address);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    const holder = await askHolder(address);
    throw new IechorError('DAEMON_RUNNING', `a daemon uses the data root ${root} already${holder}`, {
      hint: 'use that one, stop it with "iechor daemon stop", or give this one another --data-root',
    });
  }
  server.unref();
  return { release: () => server.close() };
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** ` (process 123)`, or nothing where the holder does not say. */
function askHolder(address: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(address);
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (data) => {
      text += data.toString('latin1').slice(0, 16);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(/^[0-9]+$/.test(text) ? ` (process ${text})` : ''));
  });
}
