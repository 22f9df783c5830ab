import { IechorError } from '../common/error.ts';
import { didYouMean } from '../common/nearest.ts';
import type { Project } from '../compose/model/project.ts';
import { Flags } from './flags.ts';

/** Narrows a command to what belongs to profiles, and leaves services without one alone. */
export const onlyProfileFlag = Flags.string({
  summary: 'Only services of this profile (several times); those without a profile are left alone',
  multiple: true,
  multipleNonGreedy: true,
});

/** The services named, or those of the profiles. Throws USAGE for both, and for a profile that no service has. */
export function chosenServices(
  named: readonly string[],
  profiles: readonly string[] | undefined,
  project: Project | undefined,
): string[] {
  if (!profiles?.length) return [...named];
  if (named.length > 0) throw new IechorError('USAGE', '--only-profile and names of services cannot be given together');
  if (!project) throw new IechorError('USAGE', '--only-profile needs the files of the project');
  const services = Object.entries({ ...project.services, ...project.disabledServices });
  const known = new Set(services.flatMap(([, service]) => service.profiles ?? []));
  for (const profile of profiles) {
    if (known.has(profile)) continue;
    const hint = didYouMean(profile, known) ?? `profiles: ${[...known].sort().join(', ') || 'none'}`;
    throw new IechorError('USAGE', `no service has the profile ${profile}`, { hint });
  }
  return services.filter(([, own]) => own.profiles?.some((one) => profiles.includes(one))).map(([name]) => name);
}
