import { Config } from '@oclif/core/config';
import { version } from '../common/version.ts';

/** oclif's configuration without its plugin discovery and hooks: our command table is the whole command tree. */
export function lightConfig(): Config {
  const config = new Config({ root: '/', pjson: { name: 'iechor', version, oclif: { bin: 'iechor' } } as never });
  config.runHook = async () => ({ successes: [], failures: [] });
  return config;
}
