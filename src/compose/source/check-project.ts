import type { Port } from '../model/project.ts';
import {
  type Consistency,
  checkCycles,
  checkReferences,
  keyOf,
  nodeAt,
  type ServiceCheck,
  tell,
} from './consistency.ts';
import { placesOf } from './report.ts';

/** Everything about a decoded project that no single attribute can tell. Only active services are looked at. */
export function checkProject(consistency: Consistency): void {
  const { project, root, report } = consistency;
  for (const [name, service] of Object.entries(project.services)) {
    const check: ServiceCheck = { ...consistency, name, service };
    checkSource(check);
    checkReferences(check);
    checkExclusive(check);
    checkLimits(check);
    checkMounts(check);
  }
  for (const [name, secret] of Object.entries(project.secrets)) {
    if (secret.external || secret.file || secret.environment) continue;
    const message = `secret "${name}" must declare either \`file\` or \`environment\``;
    report.error({
      code: 'COMPOSE_VALUE',
      path: ['secrets', name],
      message,
      at: placesOf(nodeAt(root, ['secrets', name])),
    });
  }
  checkContainerNames(consistency);
  checkPorts(consistency);
  checkCycles(consistency);
}

/** Whether a mistyped key, told already, may stand for what is missing. */
const hasSlip = ({ report, name }: ServiceCheck): boolean =>
  report.errors.some(
    ({ code, path = '' }) =>
      code === 'COMPOSE_UNKNOWN_KEY' && path.slice(0, path.lastIndexOf('.')) === `services.${name}`,
  );

function checkSource(check: ServiceCheck): void {
  const { name, service } = check;
  const { build } = service;
  if (!build && !service.image && !service.provider && !check.broken.has(name) && !hasSlip(check)) {
    tell(check, [], `service "${name}" has neither an image nor a build context specified`, {
      code: 'COMPOSE_VALUE',
      hint: 'give it image: or build:',
      at: [keyOf(check)],
    });
  }
  if (build?.dockerfile && build.dockerfile_inline) {
    const at = [keyOf(check, 'build', 'dockerfile_inline')];
    tell(
      check,
      ['build', 'dockerfile'],
      `service "${name}" declares mutually exclusive dockerfile and dockerfile_inline`,
      { code: 'COMPOSE_CONFLICT', at },
    );
  }
  if (build?.platforms?.length && service.platform && !build.platforms.includes(service.platform)) {
    tell(check, ['build', 'platforms'], `service.build.platforms MUST include service.platform "${service.platform}"`, {
      code: 'COMPOSE_VALUE',
      at: [keyOf(check, 'platform')],
    });
  }
}

function checkExclusive(check: ServiceCheck): void {
  const { name, service } = check;
  if (service.network_mode && Object.keys(service.networks ?? {}).length > 0) {
    const at = [keyOf(check, 'network_mode'), keyOf(check, 'networks')];
    tell(check, ['network_mode'], `service ${name} declares mutually exclusive \`network_mode\` and \`networks\``, {
      code: 'COMPOSE_CONFLICT',
      hint: 'keep one of the two',
      at,
    });
  }
  const test = service.healthcheck?.test?.[0];
  if (test !== undefined && !['CMD', 'CMD-SHELL', 'NONE'].includes(test)) {
    tell(check, ['healthcheck', 'test'], 'healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"', {
      code: 'COMPOSE_VALUE',
      hint: `write ["CMD", ${JSON.stringify(test)}, ...]`,
    });
  }
  for (const [index, rule] of (service.develop?.watch ?? []).entries()) {
    if (rule.target || rule.action === 'rebuild' || rule.action === 'restart') continue;
    tell(check, ['develop', 'watch', index], 'target is required for non-rebuild actions', { code: 'COMPOSE_VALUE' });
  }
  if (service.network_mode === 'host' && service.ports?.length) {
    tell(check, ['ports'], 'ports are not published with network_mode: host; the service is on the host already', {
      warning: true,
      code: 'COMPOSE_NO_EFFECT',
      at: [keyOf(check, 'network_mode')],
    });
  }
}

function checkLimits(check: ServiceCheck): void {
  const { name, service } = check;
  const { deploy, scale } = service;
  const replicas = deploy?.replicas;
  const differ = (attribute: string, deployPath: readonly string[]) => {
    const message = `can't set distinct values on '${attribute}' and '${deployPath.join('.')}'`;
    tell(check, [attribute], message, {
      code: 'COMPOSE_CONFLICT',
      at: [keyOf(check, attribute), keyOf(check, ...deployPath)],
    });
  };
  if (scale !== undefined && replicas !== undefined && scale !== replicas) differ('scale', ['deploy', 'replicas']);
  if (scale !== undefined && scale < 0)
    tell(check, ['scale'], 'must be greater than or equal to 0', { code: 'COMPOSE_VALUE' });
  if (replicas !== undefined && replicas < 0)
    tell(check, ['deploy', 'replicas'], 'must be greater than or equal to 0', { code: 'COMPOSE_VALUE' });
  const { limits, reservations } = deploy?.resources ?? {};
  if (service.cpus && limits && (limits.cpus ?? 0) !== service.cpus)
    differ('cpus', ['deploy', 'resources', 'limits', 'cpus']);
  if (service.mem_limit && limits && (limits.memory ?? 0) !== service.mem_limit)
    differ('mem_limit', ['deploy', 'resources', 'limits', 'memory']);
  if (service.mem_reservation && reservations && (reservations.memory ?? 0) !== service.mem_reservation) {
    differ('mem_reservation', ['deploy', 'resources', 'reservations', 'memory']);
  }
  if (service.pids_limit && limits && (limits.pids ?? 0) !== service.pids_limit)
    differ('pids_limit', ['deploy', 'resources', 'limits', 'pids']);
  if ((scale ?? replicas ?? 1) > 1 && service.container_name) {
    const attribute = scale === undefined ? ['deploy', 'replicas'] : ['scale'];
    const message = `can't set container_name and ${attribute.join('.')} as container name must be unique (service ${name})`;
    tell(check, ['container_name'], message, {
      code: 'COMPOSE_CONFLICT',
      hint: 'take container_name out',
      at: [keyOf(check, ...attribute)],
    });
  }
}

function checkMounts(check: ServiceCheck): void {
  const mounts = new Map<string, readonly (string | number)[]>();
  const add = (target: string, attribute: readonly (string | number)[]) => {
    const former = mounts.get(target);
    if (former) {
      const at = placesOf(nodeAt(check.root, ['services', check.name, ...former]));
      tell(check, attribute, `target ${target} already mounted as services.${check.name}.${former[0]}[${former[1]}]`, {
        code: 'COMPOSE_CONFLICT',
        at,
      });
    } else mounts.set(target, attribute);
  };
  for (const [index, tmpfs] of (check.service.tmpfs ?? []).entries()) add(tmpfs.split(':')[0] ?? '', ['tmpfs', index]);
  for (const [index, volume] of (check.service.volumes ?? []).entries()) add(volume.target ?? '', ['volumes', index]);
}

/** Two services with one container name: Compose refuses them when it renders or runs the project. */
function checkContainerNames(consistency: Consistency): void {
  const owners = new Map<string, string>();
  for (const [name, service] of Object.entries(consistency.project.services)) {
    if (!service.container_name || !consistency.chosen.has(name)) continue;
    const owner = owners.get(service.container_name);
    if (owner === undefined) owners.set(service.container_name, name);
    else {
      const at = placesOf(nodeAt(consistency.root, ['services', owner, 'container_name']));
      const check: ServiceCheck = { ...consistency, name, service };
      tell(
        check,
        ['container_name'],
        `container name "${service.container_name}" is already in use by service ${owner}`,
        { code: 'COMPOSE_CONFLICT', at },
      );
    }
  }
}

/** One host port for two services: the second could not start. A warning, since Compose's `config` lets it pass. */
function checkPorts(consistency: Consistency): void {
  const taken = new Map<string, { name: string; index: number; port: Port }[]>();
  for (const [name, service] of Object.entries(consistency.project.services)) {
    if ((service.scale ?? service.deploy?.replicas) === 0) continue;
    for (const [index, port] of (service.ports ?? []).entries()) {
      if (!port.published || !/^[1-9]\d*$/.test(port.published)) continue;
      const key = `${port.published}/${port.protocol ?? 'tcp'}`;
      const others = taken.get(key) ?? [];
      const clash = others.find((other) => sameAddress(other.port.host_ip, port.host_ip));
      if (clash && (clash.name !== name || clash.port.target !== port.target)) {
        const check: ServiceCheck = { ...consistency, name, service };
        const at = placesOf(nodeAt(consistency.root, ['services', clash.name, 'ports', clash.index]));
        const message = `host port ${key} is published by service "${clash.name}" too; only one of them can start`;
        tell(check, ['ports', index], message, {
          warning: true,
          code: 'COMPOSE_PORT_CLASH',
          hint: 'publish another port',
          at,
        });
      }
      taken.set(key, [...others, { name, index, port }]);
    }
  }
}

const everywhere: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);
const sameAddress = (one = '', other = ''): boolean => one === other || everywhere.has(one) || everywhere.has(other);
