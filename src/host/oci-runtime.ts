import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IechorError, isIechorError } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { removeTree } from './files.ts';
import { unmount } from './mount.ts';
import type { OciResources } from './oci-types.ts';
import type { OciRuntime } from './runtime-port.ts';
import { awaitFrozen, deleteContainer, releaseHeld } from './runtime-state.ts';
import { findProgram, type ProbedRuntime, probeRuntime, runtimeHint } from './runtime-probe.ts';
import { type RunResult, run } from './spawn.ts';
import { startError } from './start-errors.ts';

/** Runtimes in the order of preference: crun starts a container in half of runc's time. */
const candidates = ['crun', 'runc'] as const;
/** A runtime must not see LISTEN_FDS, NOTIFY_SOCKET and the like of a daemon started by an init system. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C' };
/** Copies of itself that a runtime mounts for a moment, and leaves where it is killed then. */
const ownCopy = /^(crun|runc)\.[A-Za-z0-9]{6}$/;

/**
 * The first runtime that really runs containers here: `preferred` (name or path), else crun, else runc. Its state is
 * in `<root>/state`. Throws NO_RUNTIME, which says what was tried and why each failed.
 */
export async function openRuntime(options: { root: string; preferred?: string; log: Log }): Promise<OciRuntime> {
  mkdirSync(options.root, { recursive: true, mode: 0o700 });
  removeCopies(options.root);
  const tried: string[] = [];
  const failures: string[] = [];
  for (const { name, program } of order(options.preferred)) {
    const path = findProgram(program);
    const probed = path && (await probeRuntime(name, path, probeFiles(options.root)));
    if (probed && probed.failure === undefined) {
      options.log.info('runtime chosen', { path: probed.path, version: probed.version });
      return createRuntime(probed, join(options.root, 'state'));
    }
    const failure = probed ? (probed.failure ?? '') : 'not installed';
    tried.push(`${program}: ${failure}`);
    failures.push(failure);
    options.log.warn('runtime cannot be used', { runtime: program, reason: failure });
  }
  throw new IechorError('NO_RUNTIME', `no OCI runtime can run containers here (${tried.join('; ')})`, {
    hint: runtimeHint(failures),
  });
}

function removeCopies(root: string): void {
  for (const name of readdirSync(root).filter((each) => ownCopy.test(each))) {
    unmount(join(root, name));
    rmSync(join(root, name), { force: true });
  }
}

function probeFiles(root: string): { cacheFile: string; scratch: string } {
  return { cacheFile: join(root, 'probed.json'), scratch: join(root, 'scratch') };
}

function order(preferred: string | undefined): { name: 'crun' | 'runc'; program: string }[] {
  const all = candidates.map((name) => ({ name, program: name as string }));
  if (preferred === undefined) return all;
  const name = preferred.split('/').at(-1)?.includes('runc') ? 'runc' : 'crun';
  return [{ name, program: preferred }, ...all.filter((each) => each.program !== preferred)];
}

function createRuntime(probed: ProbedRuntime, root: string): OciRuntime {
  const { name, path, version } = probed;
  const env = { ...environment, _LIBCONTAINER_STATEDIR: dirname(root) };
  const call = (args: readonly string[], input?: string): Promise<RunResult> =>
    run(path, ['--root', root, ...args], { env, ...(input !== undefined && { input }) });
  return {
    name,
    path,
    version,
    root,
    env,
    takesSeccompBpf: name === 'crun' && atLeast(version, [1, 8]),
    start: async (id, options) => {
      // Hooks are all there is left for the program to do; only containers with devices of vendors have them.
      if (name === 'crun' && !options?.hasHooks && releaseHeld(root, id)) return;
      await call(['start', id]).catch((error: unknown) => {
        throw startError(stderrOf(error), error);
      });
    },
    pause: async (id) => {
      await call(['pause', id]);
      await awaitFrozen(root, id);
    },
    resume: async (id) => void (await call(['resume', id])),
    update: async (id, resources: OciResources) =>
      void (await call(['update', '--resources', '-', id], JSON.stringify(resources))),
    delete: async (id) => {
      if (await deleteContainer(root, id)) return;
      await call(['delete', '--force', id]).catch((error: unknown) => {
        // A state that was half written cannot be deleted by the runtime; only its directory is left of it.
        if (!isIechorError(error)) throw error;
      });
      removeTree(join(root, id));
    },
  };
}

export function stderrOf(error: unknown): string {
  const cause = (error as { cause?: { stderr?: unknown } }).cause;
  return typeof cause?.stderr === 'string' ? cause.stderr : String((error as { message?: unknown }).message ?? error);
}

function atLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, part] of wanted.entries()) {
    const own = parts[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}
