import type { OciProcess } from '../host/oci-types.ts';
import { readInRoot } from '../host/rooted.ts';
import { profileOf } from './apparmor.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { mergeProcessEnv } from './create-config.ts';
import { hostOf } from './defaults.ts';
import type { LifeContext } from './life.ts';
import { linkEnv, reachableLinks } from './live-links.ts';
import { ociProcess } from './oci-process.ts';
import { capabilitiesOf } from './oci-spec.ts';
import { rootfsDir } from './paths.ts';
import { parseSecurityOptions } from './security-options.ts';
import { type ResolvedUser, resolveUser } from './users.ts';

/**
 * A further process in a running container: confined as its first one, with the user, environment and directory of
 * the container where the request names none. Throws BAD_REQUEST for an unknown user.
 */
export function execProcess(
  context: LifeContext,
  record: ContainerRecord,
  request: {
    readonly args: readonly string[];
    readonly env?: readonly string[];
    readonly cwd?: string;
    readonly user?: string;
    readonly tty?: boolean;
    readonly privileged?: boolean;
  },
): OciProcess {
  const host = hostOf(context, record);
  const { facts } = context.life;
  const privileged = request.privileged ? { ...host, Privileged: true } : host;
  const apparmor = profileOf(privileged, context.life.apparmor.standard);
  return ociProcess({
    args: request.args,
    env: mergeProcessEnv([...linkEnv(record, reachableLinks(context, record)), ...record.env], request.env ?? []),
    cwd: request.cwd || record.workingDir,
    hostname: record.hostname,
    tty: request.tty ?? false,
    user: execUser(context, record, request.user),
    capabilities: capabilitiesOf(privileged, facts),
    noNewPrivileges: parseSecurityOptions(host.SecurityOpt ?? []).noNewPrivileges,
    ulimits: host.Ulimits ?? [],
    maxOpenFiles: facts.maxOpenFiles,
    oomScoreAdj: host.OomScoreAdj ?? 0,
    ...(apparmor ? { apparmorProfile: apparmor } : {}),
  });
}

/** Whom a further process runs as: the container's own user where the request names none. Throws BAD_REQUEST. */
export function execUser(context: EngineContext, record: ContainerRecord, user: string | undefined): ResolvedUser {
  const rootfs = rootfsDir(context.roots, record.id);
  const databases = {
    passwd: readInRoot(rootfs, '/etc/passwd') ?? '',
    group: readInRoot(rootfs, '/etc/group') ?? '',
  };
  return resolveUser(user || record.user, databases, record.body.HostConfig?.GroupAdd ?? []);
}
