import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { IechorError, messageOf } from '../common/error.ts';
import type { Roots } from '../common/roots.ts';

const defaultDataRoot = '/var/lib/iechor';

/**
 * Makes the roots of a daemon where they are missing, and names its scope. The data root is closed to others, so that
 * no user reaches programs with set-user-ID in images; the volatile one can be passed through to the socket.
 */
export function makeRoots(options: { readonly dataRoot: string; readonly execRoot: string }): Roots {
  make(options.dataRoot, 0o710);
  make(options.execRoot, 0o711);
  const dataRoot = realpathSync(options.dataRoot);
  const hash = createHash('sha256').update(dataRoot).digest('hex');
  return {
    dataRoot,
    execRoot: realpathSync(options.execRoot),
    scope: dataRoot === defaultDataRoot ? '' : hash.slice(0, 8),
  };
}

function make(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (cause) {
    throw new IechorError('DAEMON_CONFIG', `cannot make ${path}: ${messageOf(cause)}`, { cause });
  }
}
