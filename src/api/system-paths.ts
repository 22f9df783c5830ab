import type { HostConfig } from './types/host-config.ts';

const unconfined = /^systempaths[=:]unconfined$/;

/**
 * Security options as the API takes them: `systempaths=unconfined` is no option there but two empty lists, of paths that
 * are hidden and of paths that are read-only.
 */
export function withSystemPaths(
  options: readonly string[],
): Pick<HostConfig, 'SecurityOpt' | 'MaskedPaths' | 'ReadonlyPaths'> {
  const SecurityOpt = options.filter((option) => !unconfined.test(option));
  if (SecurityOpt.length === options.length) return { SecurityOpt };
  return { SecurityOpt, MaskedPaths: [], ReadonlyPaths: [] };
}
