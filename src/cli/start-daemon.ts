import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { entryUrl } from '../common/entry.ts';
import { IechorError } from '../common/error.ts';
import { type ErrorCode, errorCatalogue } from '../common/error-catalogue.ts';
import { nodeFlags } from '../common/node-flags.ts';
import { answers } from './answers.ts';

/**
 * Of the engine's process. A small young generation is collected more often and never grows by three times 16 MB in
 * each thread: builds of 10,000 files peak at two thirds of the memory, in the same time. The old one is collected when
 * it has grown by half, not when it is four times what is needed: builds of 50,000 files peak at two thirds, again.
 */
const daemonFlags = [...nodeFlags, '--max-semi-space-size=4', '--heap-growing-percent=50'];

interface Ready {
  readonly ready?: boolean;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/**
 * Starts our daemon in the background and waits until it is ready. Safe against races: of two starts one wins, and
 * both callers go on. Throws the daemon's own reason where it cannot start.
 */
export async function startDaemon(options: { dataRoot: string; execRoot: string; socketPath: string }): Promise<void> {
  mkdirSync(options.execRoot, { recursive: true, mode: 0o711 });
  const log = openSync(join(options.execRoot, 'iechord.log'), 'a', 0o600);
  const program = entryUrl(import.meta.url, '../daemon/iechord-main.ts');
  const args = [
    '--data-root',
    options.dataRoot,
    '--exec-root',
    options.execRoot,
    '--host',
    `unix://${options.socketPath}`,
    '--ready-fd',
    '3',
  ];
  const child = spawn(process.execPath, [...daemonFlags, program.pathname, ...args], {
    detached: true,
    cwd: '/',
    // Compiled code is kept between starts of the daemon.
    env: { ...process.env, NODE_COMPILE_CACHE: join(options.execRoot, 'code') },
    stdio: ['ignore', log, log, 'pipe'],
  });
  const answer = await firstLine(child.stdio[3] as NodeJS.ReadableStream | null);
  child.unref();
  if (answer.ready) return;
  if (answer.error?.code === 'DAEMON_RUNNING' && (await comesUp(options.socketPath))) return;
  const { code, message, hint } = answer.error ?? {
    code: 'DAEMON_UNREACHABLE',
    message: 'the engine ended before it was ready',
    hint: undefined,
  };
  throw new IechorError(code in errorCatalogue ? (code as ErrorCode) : 'DAEMON_UNREACHABLE', message, {
    hint: hint ?? `its log is ${join(options.execRoot, 'iechord.log')}; "iechor doctor" says what this machine lacks`,
  });
}

function firstLine(pipe: NodeJS.ReadableStream | null): Promise<Ready> {
  return new Promise((resolve) => {
    let text = '';
    pipe?.on('data', (chunk) => {
      text += String(chunk);
      if (!text.includes('\n')) return;
      resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as Ready);
      (pipe as unknown as { destroy(): void }).destroy();
    });
    pipe?.on('end', () => resolve({}));
    pipe?.on('error', () => resolve({}));
  });
}

/** Another start won the race: its socket answers within half a minute, or it serves another address. */
async function comesUp(socketPath: string): Promise<boolean> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await setTimeout(20)) {
    if (await answers(socketPath)) return true;
  }
  return false;
}
