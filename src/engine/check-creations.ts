import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { CreationFault, CreationsCheck } from '../api/types/check.ts';
import type { ContainerConfig, ContainerCreateBody } from '../api/types/container.ts';
import { codeOf, IechorError, isIechorError } from '../common/error.ts';
import type { Digest } from '../image/types.ts';
import type { NetworkRecord } from '../network/types.ts';
import { checkSupported } from './check-supported.ts';
import { checkedName } from './container-name.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { mergeConfig } from './create-config.ts';
import { resolveMounts } from './create-mounts.ts';
import { networkKind, resolveEndpoints, resolvePorts } from './create-network.ts';
import { resolveDevices } from './devices.ts';
import { resolveLinks } from './links.ts';
import { networkRequest } from './networks.ts';
import { checkMode, needed, requestChecks } from './request-checks.ts';

/** What a container to be made may use though it is not there yet. */
interface Coming {
  /** Undefined for one that is refused itself: nothing is asked of its endpoints. */
  readonly networks: ReadonlyMap<string, NetworkRecord | undefined>;
  readonly containers: ReadonlySet<string>;
  readonly leaving: ReadonlySet<string>;
}

interface Given {
  readonly context: EngineContext;
  readonly coming: Coming;
  readonly body: ContainerCreateBody;
  readonly config: ContainerConfig;
}

/** Ours: all that would be refused when these things were made and started, as far as it can be known. Makes nothing. */
export async function checkCreations(
  context: EngineContext,
  request: Parameters<EngineApi['creationsCheck']>[0],
): Promise<CreationFault[]> {
  const body = completed(request.body);
  const faults: CreationFault[] = [];
  const attempt = (of: Pick<CreationFault, 'Kind' | 'Name' | 'About'>, check: () => void) => {
    const error = refusalOf(check);
    if (error)
      faults.push({ ...of, Code: error.code, Message: error.message, ...(error.hint && { Hint: error.hint }) });
  };
  const networks = new Map<string, NetworkRecord | undefined>();
  for (const network of body.Networks) {
    const { Name } = network;
    networks.set(Name, undefined);
    attempt({ Kind: 'network', Name, About: 'Networks' }, () => {
      networks.set(Name, context.networks.check(networkRequest(network)));
    });
  }
  for (const { Name = '', Driver, DriverOpts } of body.Volumes) {
    const volume = { name: Name, ...(Driver && { driver: Driver }), ...(DriverOpts && { options: DriverOpts }) };
    attempt({ Kind: 'volume', Name, About: 'Volumes' }, () => context.volumes.check(volume));
  }
  const coming = { networks, containers: namesOf(body), leaving: new Set(body.Leaving) };
  for (const { Name, Body } of body.Containers) {
    const config = mergeConfig(Body, context.images.find(Body.Image ?? '')?.config.config ?? {});
    for (const [About, check] of containerChecks)
      attempt({ Kind: 'container', Name, About }, () => check({ context, coming, body: Body, config }));
    attempt({ Kind: 'container', Name, About: 'Name' }, () => checkedName(Name));
  }
  return faults;
}

const namesOf = ({ Containers }: CreationsCheck): ReadonlySet<string> => new Set(Containers.map(({ Name }) => Name));

/** What a foreign client left out is empty, as in the bodies of Docker's own requests. */
function completed(sent: Partial<CreationsCheck>): CreationsCheck {
  const { Containers = [], Networks = [], Volumes = [], Leaving = [] } = sent;
  return {
    Containers: Containers.map(({ Name = '', Body = {} }) => ({ Name, Body })),
    Networks: Networks.map(({ Name = '', ...rest }) => ({ Name, ...rest })),
    Volumes,
    Leaving,
  };
}

/** What a check throws for the user; a bug goes on its way. */
function refusalOf(check: () => void): IechorError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (isIechorError(error)) return error as IechorError;
    throw error;
  }
}

const containerChecks: readonly (readonly [about: string, check: (given: Given) => void])[] = [
  ['Supported', ({ context, body }) => checkSupported(body, context.runtime.name)],
  ...requestChecks.map(
    ([about, check]) =>
      [about, ({ context, coming, body, config }: Given) => check(finder(context, coming), body, config)] as const,
  ),
  ['NetworkMode', ({ context, coming, body }) => checkMode(finder(context, coming), body.HostConfig?.NetworkMode)],
  ['Mounts', checkMounts],
  ['Devices', ({ body }) => resolveDevices(body.HostConfig ?? {})],
  ['Networks', checkEndpoints],
  ['Ports', ({ body, config }) => resolvePorts(networkKind(body.HostConfig, config), body.HostConfig, config)],
  ['Links', checkLinks],
];

/** A container that is there or will be; nothing more than its being is asked of one that will be. */
function finder(context: EngineContext, { containers }: Coming): (name: string) => ContainerRecord | undefined {
  const yetToCome = { mounts: [], body: {}, config: {}, id: '' } as unknown as ContainerRecord;
  return (name) => (containers.has(name) ? yetToCome : context.containers.find(name));
}

function checkMounts({ context, coming, body, config }: Given): void {
  const getContainer = (name: string) => needed(finder(context, coming), name);
  // An image that is not here yet is none of this check's business.
  const getImage = (name: string) => context.images.find(name) ?? { id: 'sha256:' as Digest, chain: [] };
  for (const mount of resolveMounts(body.HostConfig, config, getContainer, getImage)) {
    if (mount.type === 'bind' && mount.createSource) checkCreatable(mount.source);
  }
}

/** A directory can only be made in a directory. */
function checkCreatable(path: string): void {
  for (let at = path; ; at = dirname(at)) {
    try {
      const stat = statSync(at);
      if (at === path || stat.isDirectory()) return;
      throw new IechorError('MOUNT_INVALID', `bind source path ${path} cannot be created: ${at} is no directory`);
    } catch (error) {
      if (codeOf(error) === 'MOUNT_INVALID') throw error;
      if (at === '/') return;
    }
  }
}

function checkEndpoints({ context, coming, body, config }: Given): void {
  const { HostConfig: host, NetworkingConfig: networking } = body;
  const used = Object.keys(networking?.EndpointsConfig ?? {});
  if (used.some((name) => coming.networks.has(name) && !coming.networks.get(name))) return;
  const get = (name: string) => coming.networks.get(name) ?? context.networks.get(name);
  for (const endpoint of resolveEndpoints(networkKind(host, config), { host, networking }, get))
    context.networks.checkAddress(get(endpoint.network), endpoint, coming.leaving);
}

function checkLinks({ context, coming, body }: Given): void {
  resolveLinks(body.HostConfig, finder(context, coming));
}
