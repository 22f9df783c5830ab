/**
 * Where one daemon keeps its things. Everything it makes in the kernel carries `scope`, so that several daemons
 * (other data roots) live side by side.
 */
export interface Roots {
  /** Durable: /var/lib/iechor. */
  readonly dataRoot: string;
  /** Volatile, on tmpfs, rebuilt after boot: /run/iechor. */
  readonly execRoot: string;
  /** Eight lower-case hexadecimal digits derived from the data root; empty for the default root. */
  readonly scope: string;
}
