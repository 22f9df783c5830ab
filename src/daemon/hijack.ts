import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { StreamSession } from '../api/streams.ts';
import { contentType, encodeFrame } from '../api/wire.ts';
import { codeOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { drained, taken } from './drained.ts';

/** What tells how a session's output looks on the wire. Before 1.42 the multiplexed type had no name of its own. */
export function streamType(terminal: boolean, multiplexedHasName: boolean): string {
  return terminal || !multiplexedHasName ? contentType.raw : contentType.multiplexed;
}

/**
 * Joins a connection and a session until the output ends or the client is gone. The client's end of input is passed
 * on (half-close); the session is pulled only as fast as the client reads.
 */
export async function join(
  socket: Duplex,
  session: StreamSession,
  options: { terminal: boolean; takesInput: boolean; log: Log },
): Promise<void> {
  session.flushWith?.(() => taken(socket));
  const gone = () => session.close();
  socket.on('error', gone).on('close', gone);
  // Settled at once: a connection that breaks while the output is being written must not be an unobserved failure.
  const input = (options.takesInput ? passInput(socket, session, options.log) : discard(socket)).catch((error) =>
    options.log.debug('the connection of a session broke', { code: codeOf(error) }),
  );
  try {
    for await (const frame of session.output) {
      socket.write(options.terminal ? frame.data : encodeFrame(frame));
      if (!(await drained(socket))) break;
    }
  } catch (error) {
    options.log.debug('a session broke off', { code: codeOf(error) });
  } finally {
    session.close();
    socket.end();
    // The client may keep its side open: it gets what was written, and the connection ends.
    socket.once('finish', () => socket.destroy());
  }
  await input;
}

async function passInput(socket: Duplex, session: StreamSession, log: Log): Promise<void> {
  try {
    for await (const data of socket.iterator({ destroyOnReturn: false })) await session.write(data as Buffer);
    session.endInput();
  } catch (error) {
    // The process has closed its input, or the client has vanished: the output side notices the end.
    log.debug('the input of a session broke off', { code: codeOf(error) });
    if (!socket.destroyed) await discard(socket);
  }
}

/** Reads on without using it, so that the client's end is seen. */
async function discard(socket: Duplex): Promise<void> {
  socket.resume();
  if (!socket.readableEnded && !socket.destroyed) await Promise.race([once(socket, 'end'), once(socket, 'close')]);
}
