import { readFileSync } from 'node:fs';
import { run } from './spawn.ts';

const loadedProfiles = '/sys/kernel/security/apparmor/profiles';

let enabled: boolean | undefined;

/** True where the kernel confines programs by AppArmor's profiles; it is asked once. */
export function hasAppArmor(): boolean {
  enabled ??= readIfThere('/sys/module/apparmor/parameters/enabled').startsWith('Y');
  return enabled;
}

/**
 * Gives the kernel a profile, in place of one of the same name, with AppArmor's own parser. Throws HOST_COMMAND_FAILED
 * where the parser is missing or refuses it.
 */
export async function loadProfile(text: string): Promise<void> {
  await run('apparmor_parser', ['--replace', '--skip-cache'], { input: text });
}

/** Whether the kernel has a profile of this name, enforced or complaining; undefined where it does not say. */
export function isProfileLoaded(name: string): boolean | undefined {
  const list = readIfThere(loadedProfiles);
  return list === '' ? undefined : list.split('\n').some((line) => line.startsWith(`${name} (`));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
