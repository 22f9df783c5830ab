import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { commandLine, startDetached } from '../host/netns-system.ts';
import { ownProgram } from '../host/own-program.ts';
import { signalProcess } from '../host/processes.ts';
import {
  type DnsFailure,
  type DnsReply,
  type DnsRequest,
  lineSplitter,
  type Numbered,
  protocolVersion,
} from './dns-protocol.ts';
import type { DnsSandbox } from './dns-zone.ts';

/** The daemon's line to the resolver process, which is found, started and given everything again as needed. */
export interface DnsClient {
  /** Begins to find or start the process, without waiting. */
  warm(): void;
  set(sandbox: DnsSandbox): Promise<DnsFailure | undefined>;
  /** Idempotent; does not start a process for it. */
  remove(id: string): Promise<void>;
  /** Gives the process the whole state; starts none where the state is empty and none runs. */
  sync(): Promise<readonly DnsFailure[]>;
  /** Ends the process and removes its directory. Idempotent. */
  stop(): Promise<void>;
  /** Leaves the process alone. */
  disconnect(): void;
}

const SIGKILL = 9;
const startTimeoutMs = 15_000;
const endTimeoutMs = 2000;
/** Less than a stop waits for its container: a stuck process must not make that fail. */
const replyTimeoutMs = 4000;

interface Line {
  ask(request: DnsRequest): Promise<DnsReply>;
  readonly socket: Socket;
}

export function createDnsClient(
  directory: string,
  options: { state: () => readonly DnsSandbox[]; log: Log },
): DnsClient {
  const socketPath = join(directory, 'control.sock');
  const { log } = options;
  let line: Promise<Line> | undefined;
  let closing = false;

  const lost = () => {
    line = undefined;
    if (closing || options.state().length === 0) return;
    log.warn('the resolver process is gone; starting another');
    open().catch((error) => log.error('the resolver process cannot be started', { error: messageOf(error) }));
  };
  const open = (): Promise<Line> => {
    if (line) return line;
    const opening = openLine(directory, socketPath);
    line = opening.then(async (opened) => {
      opened.socket.on('close', lost);
      if (opened.socket.destroyed) throw new IechorError('ENGINE_ERROR', 'the resolver process ended at once');
      const { failures } = await opened.ask({ op: 'replace', sandboxes: options.state() });
      for (const failure of failures) log.warn('resolver', { container: failure.id, error: failure.message });
      return opened;
    });
    line.catch(() => {
      line = undefined;
    });
    return line;
  };
  return {
    warm: () => {
      open().catch((error) => log.warn('the resolver process cannot be started', { error: messageOf(error) }));
    },
    set: async (sandbox) => {
      const ask = async () => (await (await open()).ask({ op: 'set', sandbox })).failures[0];
      // A process that dies meanwhile is worth one further try with its successor.
      return ask().catch(ask);
    },
    remove: async (id) => {
      const ask = async () => {
        const living = await (line ?? reach(socketPath));
        if (!living) return;
        await living.ask({ op: 'remove', id });
        if (!line) living.socket.destroy();
      };
      return ask().catch(ask);
    },
    sync: async () => {
      if (!line && options.state().length === 0 && !(await answers(socketPath))) return [];
      return (await (await open()).ask({ op: 'replace', sandboxes: options.state() })).failures;
    },
    stop: async () => {
      closing = true;
      const living = await (line ?? reach(socketPath));
      if (living) {
        await end(living);
      }
      kill(directory);
      line = undefined;
      closing = false;
      rmSync(directory, { recursive: true, force: true });
    },
    disconnect: () => {
      closing = true;
      line?.then(({ socket }) => socket.destroy()).catch(() => undefined);
    },
  };
}

async function openLine(directory: string, socketPath: string): Promise<Line> {
  const living = await reach(socketPath);
  if (living) {
    const reply = await living.ask({ op: 'hello' }).catch(() => undefined);
    if (reply?.version === protocolVersion) return living;
    if (reply) await end(living);
  }
  kill(directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const logFile = join(directory, 'log');
  startDetached(ownProgram(import.meta.url, './dns-main.ts'), [directory], logFile);
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    const started = await reach(socketPath);
    if (started) return started;
    await delay(10);
  }
  throw new IechorError('ENGINE_ERROR', 'the resolver process does not start', { hint: `see ${logFile}` });
}

/** Asks a process to end, and waits for it for two seconds. */
async function end({ socket, ask }: Line): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await ask({ op: 'stop' }).catch(() => undefined);
  socket.ref();
  const timer = setTimeout(() => socket.destroy(), endTimeoutMs);
  if (!socket.closed) await closed;
  clearTimeout(timer);
}

async function answers(socketPath: string): Promise<boolean> {
  const living = await reach(socketPath);
  living?.socket.destroy();
  return living !== undefined;
}

/** A process that lives but does not serve its socket (stuck, or deprived of its directory) is of no use. */
function kill(directory: string): void {
  const pid = Number(readPid(directory));
  const mine = (argument: string) => argument === directory;
  if (pid > 0 && commandLine(pid).some(mine)) signalProcess(pid, SIGKILL);
}

function readPid(directory: string): string {
  try {
    return readFileSync(join(directory, 'pid'), 'utf8');
  } catch {
    return '';
  }
}

/** A line to a living process, or undefined where nobody listens. */
function reach(socketPath: string): Promise<Line | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const refused = (error: Error) => {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve(undefined);
      else reject(error);
    };
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      resolve(lineOver(socket));
    });
  });
}

function lineOver(socket: Socket): Line {
  const waiting = new Map<number, (reply: DnsReply | Error) => void>();
  let seq = 0;
  socket.setEncoding('utf8');
  socket.unref();
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    const ended = new IechorError('ENGINE_ERROR', 'the resolver process ended while it was asked');
    for (const settle of [...waiting.values()]) settle(ended);
  });
  socket.on(
    'data',
    lineSplitter((text) => {
      const reply = JSON.parse(text) as Numbered<DnsReply>;
      waiting.get(reply.seq)?.(reply);
    }),
  );
  return {
    socket,
    ask: (request) =>
      new Promise((resolve, reject) => {
        seq += 1;
        const own = seq;
        const settle = (reply: DnsReply | Error) => {
          clearTimeout(timer);
          waiting.delete(own);
          if (waiting.size === 0) socket.unref();
          if ('failures' in reply) resolve(reply);
          else reject(reply);
        };
        const timer = setTimeout(() => {
          settle(new IechorError('ENGINE_ERROR', `the resolver process did not answer to "${request.op}" in time`));
          socket.destroy();
        }, replyTimeoutMs);
        waiting.set(own, settle);
        socket.ref();
        if (socket.destroyed) settle(new IechorError('ENGINE_ERROR', 'the resolver process is gone'));
        else socket.write(`${JSON.stringify({ ...request, seq: own })}\n`);
      }),
  };
}
