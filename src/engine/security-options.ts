import { IechorError } from '../common/error.ts';

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `default`, `unconfined`, or the JSON text of a profile. */
  readonly seccomp: string;
  readonly apparmor?: string;
  /** The container may change its cgroup. */
  readonly writableCgroups: boolean;
}

/** Reads `SecurityOpt` (`name=value`, the older `name:value`, or a bare `no-new-privileges`). Throws BAD_REQUEST. */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  let result: SecurityOptions = { noNewPrivileges: false, seccomp: 'default', writableCgroups: false };
  for (const option of options) {
    const at = option.search(/[=:]/);
    const name = at < 0 ? option : option.slice(0, at);
    const value = at < 0 ? '' : option.slice(at + 1);
    if (name === 'no-new-privileges') result = { ...result, noNewPrivileges: flag(value, option) };
    else if (name === 'seccomp') result = { ...result, seccomp: value === 'builtin' ? 'default' : value };
    else if (name === 'apparmor') result = { ...result, apparmor: value };
    else if (name === 'writable-cgroups') result = { ...result, writableCgroups: flag(value, option) };
    else if (name !== 'label' || value !== 'disable') {
      throw new IechorError('BAD_REQUEST', `invalid --security-opt ${at < 0 ? 1 : 2}: ${JSON.stringify(option)}`, {
        hint: 'known are no-new-privileges, writable-cgroups, seccomp=unconfined, seccomp=<profile>, apparmor=<profile>, label=disable',
      });
    }
  }
  return result;
}

function flag(value: string, option: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new IechorError('BAD_REQUEST', `invalid --security-opt 2: ${JSON.stringify(option)}`);
}
