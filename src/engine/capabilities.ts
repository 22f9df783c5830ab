import { IechorError } from '../common/error.ts';

/** All capabilities in the order of their bit, as of Linux 5.9. */
const all = `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
  SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
  MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`;
/** What every container holds by default: Docker's fourteen. */
const standard = `CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT
  KILL AUDIT_WRITE`;

const prefixed = (names: string): string[] => names.split(/\s+/).map((name) => `CAP_${name}`);

/** Names of the bits of a capability mask. */
export function capabilitiesOfMask(mask: bigint): string[] {
  return prefixed(all).filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/**
 * The capabilities of a container: the default fourteen, or with `privileged` all of the daemon's own bounding set;
 * then `drop`, then `add` (Docker's rules: ALL in either, names with or without `CAP_`, in any case).
 * Throws BAD_REQUEST for a name that does not exist.
 */
export function resolveCapabilities(options: {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
  readonly bounding: readonly string[];
}): string[] {
  if (options.privileged) return [...options.bounding];
  const add = options.add.map(normalise);
  const drop = options.drop.map(normalise);
  const base = add.includes('ALL') ? options.bounding : prefixed(standard);
  const kept = drop.includes('ALL') ? [] : base.filter((name) => !drop.includes(name));
  const added = add.filter((name) => name !== 'ALL');
  const everything = add.includes('ALL') && drop.includes('ALL') ? options.bounding : kept;
  return [...new Set([...everything, ...added])].sort();
}

function normalise(name: string): string {
  const upper = name.toUpperCase();
  if (upper === 'ALL') return 'ALL';
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (prefixed(all).includes(full)) return full;
  throw new IechorError('BAD_REQUEST', `invalid capability: "${name}"`, {
    hint: 'names are those of capabilities(7), such as NET_ADMIN, or ALL',
  });
}

/** Names as Docker tells them back: with `CAP_`, each once, in order, `ALL` first. Throws BAD_REQUEST like the above. */
export function canonicalCapabilities(names: readonly string[]): string[] {
  const full = [...new Set(names.map(normalise))].sort();
  return full.includes('ALL') ? ['ALL', ...full.filter((name) => name !== 'ALL')] : full;
}
