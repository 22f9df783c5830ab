import type { Config } from '@oclif/core/config';
import { version } from '../common/version.ts';

/**
 * What oclif's Command asks of its configuration, without plugin discovery and hooks: our command table is the whole
 * command tree. The real class would cost a third of a start.
 */
export function lightConfig(): Config {
  const config = {
    bin: 'iechor',
    name: 'iechor',
    version,
    userAgent: `iechor/${version}`,
    runHook: async () => ({ successes: [], failures: [] }),
  };
  return config as unknown as Config;
}
