import { posix } from 'node:path';
import type { StepContext } from './build-context.ts';
import type { Fingerprint } from './files/content-hash.ts';
import { InstructionError } from './language/form.ts';
import type { RunMount } from './language/mount-option.ts';
import type { SandboxRun } from './ports.ts';

export type ReadyMount = SandboxRun['mounts'][number];

/** One mount, checked against the request. */
export interface OpenMount {
  readonly key: string;
  /** What a mount of files shows, for saying later what of it changed. */
  readonly files?: Fingerprint | undefined;
  /** Undefined where a secret that is not required was not given. */
  readonly make: () => Promise<Made | undefined>;
}
export interface Made {
  readonly mount?: ReadyMount;
  readonly env?: readonly [name: string, value: string];
  readonly release?: () => void;
}

/** What of a secret's or agent's file decides the result: its mode and owner, however they are given, and the need. */
export const accessOf = ({ mode, uid, gid, required }: RunMount, usual: number): string =>
  `${mode ?? usual} ${uid ?? 0} ${gid ?? 0} ${required}`;

/** Absolute; relative ones count from WORKDIR. */
export function targetOf(mount: RunMount, { state }: StepContext): string {
  const target = posix.join('/', state.config.WorkingDir || '/', '.');
  const path = mount.target?.startsWith('/') ? posix.join(mount.target) : posix.join(target, mount.target ?? '');
  if (path === '/') throw new InstructionError('a mount can not cover the root directory');
  const clean = path.replace(/(.)\/$/, '$1');
  // Nothing could be mounted below a read-only /sys, and a program without /proc is not confined.
  if (clean === '/proc' || (clean === '/sys' && mount.type === 'bind' && mount.readOnly)) {
    throw new InstructionError(`a mount can not cover ${clean}`);
  }
  return clean;
}
