import { join } from 'node:path';
import type { ArtifactOptions } from '../registry/artifact.ts';
import { configDirectory } from './credential-config.ts';

/**
 * How the command line itself reaches the registry of a reference: with the user's certificates and login. Names without
 * a host are those of IECHOR_DEFAULT_REGISTRY.
 */
export async function registryAccess(
  reference: string,
  options: {
    readonly configuration: string | undefined;
    /** Its registry may speak plain text, or show any certificate. */
    readonly insecure?: boolean;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ArtifactOptions> {
  const [
    { credentialsOf },
    { defaultCertificateDirs, registrySettings },
    { openLogins },
    { parseReference, setDefaultRegistry },
  ] = await Promise.all([
    import('../registry/credentials.ts'),
    import('../registry/settings.ts'),
    import('./credentials.ts'),
    import('../registry/names.ts'),
  ]);
  setDefaultRegistry(process.env.IECHOR_DEFAULT_REGISTRY);
  const own = join(configDirectory(options.configuration, process.env), 'certs.d');
  const { domain } = parseReference(reference);
  const insecure = options.insecure ? [domain] : [];
  const settings = registrySettings({ insecure, certificateDirs: [own, ...defaultCertificateDirs] }, process.env);
  const login = await openLogins(options.configuration, process.env).find(domain);
  return { settings, credentials: credentialsOf(login), signal: options.signal };
}
