import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect } from '../../../src/api/client.ts';

export interface Started {
  readonly child: ChildProcess;
  /** The JSON line of the ready descriptor. */
  readonly answer: { readonly ready?: boolean; readonly error?: { code: string; message: string; hint?: string } };
  readonly exit: Promise<number | string>;
}

/** Starts the daemon from its sources, with its roots below `dir`; resolves with its first word. */
export async function startDaemon(dir: string, ...more: readonly string[]): Promise<Started> {
  mkdirSync(join(dir, 'run'), { recursive: true });
  const log = openSync(join(dir, 'run/iechord.log'), 'a');
  const roots = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'run')];
  const program = resolve('src/daemon/iechord-main.ts');
  const args = ['--disable-warning=ExperimentalWarning', program, ...roots, '--ready-fd', '3', ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', log, log, 'pipe'], detached: true });
  closeSync(log);
  const exit = new Promise<number | string>((done) => {
    child.once('exit', (code, signal) => done(code ?? signal ?? ''));
  });
  let text = '';
  for await (const chunk of child.stdio[3] as unknown as AsyncIterable<Buffer>) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return { child, exit, answer: text === '' ? {} : JSON.parse(text) };
}

export const clientOf = (dir: string) => connect({ socketPath: join(dir, 'run/iechor.sock') });
