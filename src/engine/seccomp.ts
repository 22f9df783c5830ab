import { IechorError } from '../common/error.ts';
import type { OciSeccomp } from '../host/oci-types.ts';
import { kernelAtLeast } from './kernel-release.ts';
import { defaultSeccompRules, type SeccompRule } from './seccomp-profile.ts';

/** What a filter depends on besides its rules. */
export interface SeccompFacts {
  /** Capabilities the process may hold, `CAP_...`. */
  readonly capabilities: readonly string[];
  /** Of the image, OCI name. */
  readonly architecture: string;
  /** Of the machine, OCI name. */
  readonly hostArchitecture: string;
  /** `6.18.1-...` */
  readonly kernelRelease: string;
}

/**
 * The default filter for one container. A 32-bit system call table is open only to images of that architecture:
 * through `socketcall` it would offer the address families that the main table refuses.
 */
export function resolveSeccomp(facts: SeccompFacts): OciSeccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: architecturesOf(facts),
    syscalls: mergeUnconditional(
      defaultSeccompRules()
        .filter((rule) => holds(rule, facts))
        .map(toOci),
    ),
  };
}

/** A profile in the published JSON form (`--security-opt seccomp=<json>`), resolved for one container. */
export function resolveCustomSeccomp(text: string, facts: SeccompFacts): OciSeccomp {
  let profile: CustomProfile;
  try {
    profile = JSON.parse(text) as CustomProfile;
  } catch (error) {
    throw new IechorError('BAD_REQUEST', 'the seccomp profile is not valid JSON', {
      hint: 'give the text of a profile, or seccomp=unconfined',
      cause: error,
    });
  }
  if (typeof profile.defaultAction !== 'string') {
    throw new IechorError('BAD_REQUEST', 'the seccomp profile names no defaultAction');
  }
  const rules = (profile.syscalls ?? []).filter((rule) => holds(fromCustom(rule), facts));
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: customArchitectures(profile, facts),
    ...(profile.flags ? { flags: [...profile.flags] } : {}),
    syscalls: rules.map((rule) => ({
      names: [...(rule.names ?? (rule.name === undefined ? [] : [rule.name]))],
      action: rule.action,
      ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
      ...(rule.args?.length ? { args: rule.args.map((arg) => ({ ...arg })) } : {}),
    })),
  };
}

interface CustomConditions {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}
interface CustomProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  archMap?: { architecture: string; subArchitectures?: string[] | null }[];
  flags?: string[];
  syscalls?: {
    names?: string[];
    name?: string;
    action: string;
    errnoRet?: number;
    args?: { index: number; value: number; valueTwo?: number; op: string }[] | null;
    includes?: CustomConditions;
    excludes?: CustomConditions;
  }[];
}

const seccompNames: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  '386': 'SCMP_ARCH_X86',
  arm64: 'SCMP_ARCH_AARCH64',
  arm: 'SCMP_ARCH_ARM',
  ppc64le: 'SCMP_ARCH_PPC64LE',
  s390x: 'SCMP_ARCH_S390X',
  riscv64: 'SCMP_ARCH_RISCV64',
};

function architecturesOf(facts: SeccompFacts): string[] {
  const names = [facts.hostArchitecture, facts.architecture].map((name) => seccompNames[name]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

function customArchitectures(profile: CustomProfile, facts: SeccompFacts): string[] {
  if (profile.architectures?.length) return [...profile.architectures];
  const own = profile.archMap?.find((entry) => entry.architecture === seccompNames[facts.hostArchitecture]);
  return own ? [own.architecture, ...(own.subArchitectures ?? [])] : architecturesOf(facts);
}

function fromCustom(rule: { includes?: CustomConditions; excludes?: CustomConditions }): SeccompRule {
  const [major, minor] = (rule.includes?.minKernel ?? '0.0').split('.').map(Number);
  return {
    names: [],
    minKernel: [major ?? 0, minor ?? 0],
    ...(rule.includes?.caps?.length ? { caps: rule.includes.caps } : {}),
    ...(rule.includes?.arches?.length ? { arches: rule.includes.arches.map(ociArchitecture) } : {}),
    ...(rule.excludes?.caps ? { withoutCaps: rule.excludes.caps } : {}),
    ...(rule.excludes?.arches ? { withoutArches: rule.excludes.arches.map(ociArchitecture) } : {}),
  };
}

const ociArchitecture = (name: string): string => (name === 'x86' ? '386' : name);

function holds(rule: SeccompRule, facts: SeccompFacts): boolean {
  const overlaps = (left: readonly string[] | undefined, right: readonly string[]) =>
    left?.some((entry) => right.includes(entry)) ?? false;
  const arches = [facts.architecture, facts.hostArchitecture];
  if (rule.caps && !overlaps(rule.caps, facts.capabilities)) return false;
  if (rule.arches && !overlaps(rule.arches, arches)) return false;
  if (rule.minKernel && !kernelAtLeast(facts.kernelRelease, rule.minKernel)) return false;
  return !overlaps(rule.withoutCaps, facts.capabilities) && !overlaps(rule.withoutArches, arches);
}

type OciRule = OciSeccomp['syscalls'][number];

function toOci(rule: SeccompRule): OciRule {
  return {
    names: [...rule.names],
    action: rule.action ?? 'SCMP_ACT_ALLOW',
    ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
    ...(rule.args ? { args: rule.args.map((arg) => ({ ...arg })) } : {}),
  };
}

/** One rule with all names that are allowed whatever their arguments; a call so allowed needs no narrower rule. */
function mergeUnconditional(rules: readonly OciRule[]): OciRule[] {
  const open = new Set(rules.filter((rule) => isOpen(rule)).flatMap((rule) => rule.names));
  const rest = rules.filter((rule) => !isOpen(rule)).filter((rule) => !rule.names.every((name) => open.has(name)));
  return [{ names: [...open].sort(), action: 'SCMP_ACT_ALLOW' }, ...rest];
}

function isOpen(rule: OciRule): boolean {
  return rule.action === 'SCMP_ACT_ALLOW' && rule.args === undefined;
}
