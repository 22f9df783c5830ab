/** How registries are reached: from the daemon's configuration; the defaults are Docker's. */
export interface RegistrySettings {
  /** Origins that are asked before docker.io, in this order. */
  readonly mirrors: readonly string[];
  /** `host[:port]` or networks (`10.0.0.0/8`) that may speak plain text, or TLS with any certificate. */
  readonly insecure: readonly string[];
  /** Directories with one directory per `host[:port]`: `*.crt` (authorities), `*.cert` and `*.key` (our own). */
  readonly certificateDirs: readonly string[];
  readonly proxies: Proxies;
  /** Hosts besides its own that may receive a registry's password in exchange for tokens. */
  readonly authHosts: Readonly<Record<string, readonly string[]>>;
  readonly maxDownloads: number;
  readonly maxUploads: number;
  /** Attempts at one transfer or request without any progress. */
  readonly maxAttempts: number;
}

/** Addresses of proxies by the scheme they serve; `none` are hosts that are reached directly. */
export interface Proxies {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  readonly none: readonly string[];
}

export const defaultCertificateDirs: readonly string[] = ['/etc/iechor/certs.d', '/etc/docker/certs.d'];

/** Settings with what is not given at Docker's defaults, and proxies from the environment. */
export function registrySettings(
  given: Partial<RegistrySettings> = {},
  environment: Readonly<Record<string, string | undefined>> = {},
): RegistrySettings {
  return {
    mirrors: [],
    insecure: [],
    certificateDirs: defaultCertificateDirs,
    proxies: proxiesOf(environment),
    authHosts: {},
    maxDownloads: 3,
    maxUploads: 5,
    maxAttempts: 5,
    ...given,
  };
}

function proxiesOf(environment: Readonly<Record<string, string | undefined>>): Proxies {
  const value = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const none = (value('NO_PROXY') ?? '').split(',').map((entry) => entry.trim());
  return { http: value('HTTP_PROXY'), https: value('HTTPS_PROXY'), none: none.filter((entry) => entry !== '') };
}
