import type { PortMap } from '../api/types/host-config.ts';
import { IechorError } from '../common/error.ts';

export interface Published {
  readonly exposed: Record<string, object>;
  readonly bindings: PortMap;
}

/**
 * `-p [address:][host[-end]:]container[-end][/protocol]`, each published port with its own binding; a range of one
 * container port to several host ports lets the engine choose. Throws USAGE naming what was given.
 */
export function parsePublish(specs: readonly string[]): Published {
  const published: Published = { exposed: {}, bindings: {} };
  for (const spec of specs) addSpec(spec, published);
  return published;
}

function addSpec(spec: string, { exposed, bindings }: Published): void {
  const match = /^(?:(?:(\[[0-9a-fA-F:.]+\]|[0-9.]*):)?(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(
    spec,
  );
  if (!match?.[3]) {
    throw new IechorError('USAGE', `"${spec}" is not a port to publish`, {
      hint: 'write [address:][host-port:]container-port[/protocol], e.g. -p 127.0.0.1:8080:80',
    });
  }
  const container = range(match[3], spec);
  const host = match[2] ? range(match[2], spec) : [];
  if (host.length > 1 && container.length > 1 && host.length !== container.length) {
    throw new IechorError('USAGE', `"${spec}" publishes ${container.length} ports on ${host.length}`, {
      hint: 'both ranges must be of one length',
    });
  }
  const address = (match[1] ?? '').replace(/^\[|\]$/g, '');
  for (const [index, port] of container.entries()) {
    const key = `${port}/${match[4] ?? 'tcp'}`;
    const hostPort =
      container.length === 1 && host.length > 1 ? `${host[0]}-${host.at(-1)}` : String(host[index] ?? '');
    exposed[key] = {};
    bindings[key] = [...(bindings[key] ?? []), { HostIp: address, HostPort: hostPort }];
  }
}

function range(text: string, spec: string): number[] {
  const [first, last = first] = text.split('-').map(Number);
  if (!first || !last || first < 1 || last > 65535 || last < first || !/^\d+(-\d+)?$/.test(text)) {
    throw new IechorError('USAGE', `"${text}" in "${spec}" is not a port or a range of ports`, {
      hint: 'ports are 1 to 65535',
    });
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** `--expose port[-end][/protocol]`. */
export function parseExpose(specs: readonly string[]): Record<string, object> {
  const exposed: Record<string, object> = {};
  for (const spec of specs) {
    const [ports = '', protocol = 'tcp'] = spec.split('/');
    for (const port of range(ports, spec)) exposed[`${port}/${protocol}`] = {};
  }
  return exposed;
}
