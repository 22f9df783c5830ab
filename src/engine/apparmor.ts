import type { HostConfig } from '../api/types/host-config.ts';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { hasAppArmor, isProfileLoaded, loadProfile } from '../host/apparmor.ts';
import { parseSecurityOptions } from './security-options.ts';

/** What AppArmor does for containers on this host. */
export interface AppArmor {
  /** The profile of containers that ask for none; undefined where the kernel or its parser has no AppArmor. */
  readonly standard: string | undefined;
  /** Settles when `standard` is known. */
  readonly ready: Promise<void>;
}

const standardName = 'iechor-default';
/** What Docker calls its own; who asks for it gets ours, unless Docker's is loaded. */
const dockerName = 'docker-default';

/** Gives the kernel the standard profile, where it takes one. A failure is logged, and containers go without it. */
export function createAppArmor(log: Log): AppArmor {
  if (!hasAppArmor()) return { standard: undefined, ready: Promise.resolve() };
  const state: { standard: string | undefined; ready: Promise<void> } = {
    standard: undefined,
    ready: Promise.resolve(),
  };
  state.ready = loadProfile(standardProfile).then(
    () => {
      state.standard = standardName;
    },
    (error: unknown) => {
      log.warn('containers run without an AppArmor profile', { code: codeOf(error), reason: messageOf(error) });
    },
  );
  return state;
}

/**
 * The profile of a container's processes, by its security options: the standard one (where it could be loaded) unless
 * it names another or is privileged. Undefined where AppArmor is off.
 */
export function profileOf(host: HostConfig, standard: string | undefined = loadedStandard()): string | undefined {
  if (!hasAppArmor()) return undefined;
  const asked = parseSecurityOptions(host.SecurityOpt ?? []).apparmor;
  if (asked === dockerName && isProfileLoaded(dockerName) === false) return standard;
  if (asked) return asked;
  return host.Privileged ? 'unconfined' : standard;
}

/** Throws CONTAINER_START_FAILED where the kernel has no profile of this name. */
export function checkProfile(name: string | undefined): void {
  if (name === undefined || name === 'unconfined' || isProfileLoaded(name) !== false) return;
  throw new IechorError('CONTAINER_START_FAILED', `there is no AppArmor profile ${name} on this host`, {
    hint: 'load it with apparmor_parser, or leave apparmor= away for the standard one (aa-status lists what is loaded)',
  });
}

const loadedStandard = (): string | undefined => (isProfileLoaded(standardName) ? standardName : undefined);

/**
 * What a contained root must not do although its capabilities allow it: mount, write to the kernel's settings outside
 * of its own process and shared memory's limits, touch the host's firmware and security modules, or signal and trace
 * what is not confined like itself. The same bounds as the profile that Docker loads.
 */
export const standardProfile = `
profile ${standardName} flags=(attach_disconnected, mediate_deleted) {
  file,
  umount,
  capability,
  network,
  deny network alg,
  deny mount,

  ptrace (trace, tracedby, read, readby) peer=${standardName},
  signal (send, receive) peer=${standardName},
  signal (receive) peer=unconfined,
  signal (receive) peer=crun,
  signal (receive) peer=runc,

  deny /proc/* w,
  deny /proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny /proc/{kcore,sysrq-trigger} rwklx,

  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/{firmware,devices/virtual/powercap,kernel/security}/** rwklx,
}
`;
