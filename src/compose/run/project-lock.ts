import { createHash } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, IechorError } from '../../common/error.ts';
import type { Session } from '../session.ts';

/** Who changes a project now, as they say it to others that want to. */
export interface LockHolder {
  readonly pid: number;
  /** `compose up`. */
  readonly command: string;
  /** RFC 3339. */
  readonly since: string;
}

const retryMs = 20;

/**
 * Runs an action that changes a project, while no other command of this machine changes the same project on the same
 * engine. Waits for one that does, and says who it is; throws PROJECT_BUSY where the session sets a limit that passes.
 * The lock is an abstract socket: the kernel frees it when its holder ends, however it ends, and nothing is on the disk.
 */
export async function exclusively<T>(session: Session, project: string, action: () => Promise<T>): Promise<T> {
  if (!session.lock) return action();
  const release = await acquire(session, project, session.lock);
  try {
    return await action();
  } finally {
    release();
  }
}

async function acquire(session: Session, project: string, lock: NonNullable<Session['lock']>): Promise<() => void> {
  const name = lockName(lock.endpoint, project);
  const own: LockHolder = { pid: process.pid, command: lock.command, since: new Date().toISOString() };
  const { waitSeconds = Number.POSITIVE_INFINITY } = lock;
  const deadline = Date.now() + waitSeconds * 1000;
  let said = 0;
  for (;;) {
    session.signal.throwIfAborted();
    const release = await bind(name, own);
    if (release) return release;
    const holder = await ask(name);
    // A part of the same command.
    if (holder?.pid === process.pid) return () => undefined;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) throw busy(project, holder);
    if (holder && said !== holder.pid) {
      said = holder.pid;
      session.notice(`waiting for ${describe(holder)}, which is changing project ${project}`);
    }
    await gone(name, Math.min(leftMs, 60_000), session.signal);
  }
}

/** The name in the kernel: one for each project of each engine. */
export function lockName(endpoint: string, project: string): string {
  const key = createHash('sha256').update(`${endpoint}\n${project}`).digest('hex').slice(0, 32);
  return `\0iechor-project-${key}`;
}

/** Undefined where another has it. */
function bind(name: string, own: LockHolder): Promise<(() => void) | undefined> {
  const waiting = new Set<Socket>();
  const server: Server = createServer((socket) => {
    waiting.add(socket);
    socket.on('close', () => waiting.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.unref();
    socket.write(`${JSON.stringify(own)}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      server.unref();
      resolve(() => {
        server.close();
        for (const socket of waiting) socket.destroy();
      });
    });
  });
}

/** Who has it; undefined for one that has just let go, or says nothing sensible. */
function ask(name: string): Promise<LockHolder | undefined> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let text = '';
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(parse(text));
    };
    const timer = setTimeout(end, 1000);
    socket.setEncoding('utf8');
    socket.on('data', (data: string) => {
      text += data;
      if (text.includes('\n') || text.length > 1000) end();
    });
    socket.on('error', end);
    socket.on('close', end);
  });
}

function parse(text: string): LockHolder | undefined {
  try {
    const { pid, command, since } = JSON.parse(text) as Partial<LockHolder>;
    return typeof pid === 'number' ? { pid, command: printable(command), since: printable(since) } : undefined;
  } catch {
    return undefined;
  }
}

const printable = (text: unknown): string =>
  String(text ?? '')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 100);

/** Resolves when the holder lets go, or the time is up. */
async function gone(name: string, atMostMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(name);
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, atMostMs);
    signal.addEventListener('abort', end, { once: true });
    socket.resume();
    socket.on('error', end);
    socket.on('close', end);
  });
  await delay(Math.random() * retryMs);
}

function describe({ pid, command, since }: LockHolder): string {
  const time = /T(\d\d:\d\d:\d\d)/.exec(since)?.[1];
  return `"iechor ${command}" (process ${pid}${time ? `, since ${time} UTC` : ''})`;
}

function busy(project: string, holder: LockHolder | undefined): IechorError {
  const who = holder ? describe(holder) : 'another command';
  return new IechorError('PROJECT_BUSY', `project ${project} is being changed by ${who}`, {
    hint: 'wait for it to end, or end it',
    exit: 1,
  });
}
