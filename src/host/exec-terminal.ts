import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { type Channel, createChannel, dropAfterEnd } from './channel.ts';
import type { ExecFiles } from './exec-files.ts';
import { lingerMilliseconds, type StartedExec } from './exec-pipes.ts';
import { closeAll, pipe, watchFd } from './fds.ts';
import { createOutputQueue } from './output-queue.ts';
import { type Child, spawnProcess } from './processes.ts';
import type { ExecRequest } from './runtime-port.ts';
import { hurry, unhurry } from './scheduling.ts';
import { acceptOn, listenStream, receiveFd } from './sockets.ts';
import { openRawTerminal, setTerminalSize } from './terminal.ts';

/** crun sends the terminal's master through a socket and waits for the process all the same. */
export async function startOnConsole(files: ExecFiles, request: ExecRequest): Promise<StartedExec> {
  const listening = listenStream(files.consoleSocket);
  const nothing = openSync('/dev/null', constants.O_RDONLY);
  const messages = pipe();
  try {
    const child = spawnProcess({
      ...files.byRuntime(files.consoleSocket),
      stdio: [nothing, messages.write, messages.write],
    });
    // It lets the process go on before it sets the size, which a process that asks for it at once would not see.
    const hurries = request.rows !== undefined;
    if (hurries) hurry(child.pid);
    const master = await receiveMaster(listening, child);
    if (hurries) unhurry(child.pid);
    if (master === undefined) {
      closeAll(messages.write);
      return onlyMessages(child, messages.read);
    }
    closeAll(messages.read);
    return onTerminal(child, master, request);
  } catch (error) {
    closeAll(messages.read);
    throw error;
  } finally {
    closeAll(listening, nothing, messages.write);
  }
}

/** The master a runtime sends; undefined when it ends without. */
function receiveMaster(listening: number, child: Child): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let connection = -1;
    let done = false;
    const finish = (settle: () => void) => {
      if (done) return;
      done = true;
      for (const watch of watches) watch.close();
      closeAll(connection);
      settle();
    };
    const receive = () => {
      try {
        const fd = receiveFd(connection);
        finish(() => resolve(fd));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const isConnected = () => {
      if (connection < 0) connection = acceptOn(listening);
      return connection >= 0;
    };
    const accept = watchFd(listening, () => {
      if (!isConnected()) return;
      accept.close();
      const watch = watchFd(connection, receive);
      watches.push(watch);
      watch.want({ readable: true, writable: false });
    });
    const watches = [accept];
    accept.want({ readable: true, writable: false });
    // The end of a short process may be seen before what was sent ahead of it.
    void child.end.then(() => {
      if (!done && isConnected()) receive();
      else finish(() => resolve(undefined));
    });
  });
}

/** A runtime that failed before there was a terminal: what it said is all there is to read. */
function onlyMessages(child: Child, fd: number): StartedExec {
  const queue = createOutputQueue<'console'>();
  queue.add(new Socket({ fd, readable: true, writable: false }), 'console');
  queue.seal();
  const nothing = () => {};
  return {
    child,
    output: queue.output,
    write: async () => {},
    endInput: nothing,
    close: queue.close,
    resize: nothing,
    ended: nothing,
  };
}

/** The runtime itself sits on a terminal of ours and passes bytes and sizes on to the one in the container. */
export function startOnTerminal(files: ExecFiles, request: ExecRequest): StartedExec {
  const { master, slave, path } = openRawTerminal();
  try {
    if (request.rows && request.columns) setTerminalSize(master, request.rows, request.columns);
    const child = spawnProcess({
      ...files.byRuntime(),
      stdio: [],
      terminal: path,
    });
    return onTerminal(child, master, request);
  } catch (error) {
    closeAll(master);
    throw error;
  } finally {
    closeAll(slave);
  }
}

function onTerminal(child: Child, master: number, request: ExecRequest): StartedExec {
  if (request.rows && request.columns) setTerminalSize(master, request.rows, request.columns);
  const channel: Channel = createChannel(master);
  let open = true;
  const close = () => {
    open = false;
    channel.close();
  };
  const write = async (data: Uint8Array) => {
    if (request.stdin && open) await channel.write(data).catch(dropAfterEnd);
  };
  return {
    child,
    output: marked(channel.output),
    write,
    // A terminal's input has no end; who wants one types it (^D).
    endInput: () => {},
    close,
    resize: (rows, columns) => {
      if (open) setTerminalSize(master, rows, columns);
    },
    ended: () => {
      open = false;
      channel.closeAfter(lingerMilliseconds);
    },
  };
}

async function* marked(output: AsyncIterable<Uint8Array>) {
  for await (const data of output) yield { stream: 'console' as const, data };
}
