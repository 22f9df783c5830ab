import { isIP } from 'node:net';

export interface PortText {
  readonly hostIp: string;
  readonly target: number;
  readonly published: string;
  readonly protocol: string;
}

/**
 * Reads `[[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]` with ranges. A range of targets gives one entry per port, in the order
 * of their text, as Compose lists them; a range published for one target stays a range.
 */
export function parsePorts(text: string): readonly PortText[] | { readonly error: string } {
  const { hostIp, published, target: rest } = splitParts(text);
  const [targetText = '', protocolText] = rest.split('/', 2) as [string, string?];
  const protocol = (protocolText || 'tcp').toLowerCase();
  const ip = hostIp.replace(/^\[(.*)\]$/, '$1');
  if ((ip !== '' && isIP(ip) === 0) || (isIP(ip) === 6 && ip === hostIp))
    return { error: `Invalid ip address: ${hostIp}` };
  if (targetText === '') return { error: `No port specified: ${text}<empty>` };
  const target = parseRange(targetText);
  if (!target) return { error: `Invalid containerPort: ${targetText}` };
  if (target.start === 0) return { error: `missing a target port: ${text}` };
  const host = published === '' ? undefined : parseRange(published);
  if (published !== '' && !host) return { error: `Invalid hostPort: ${published}` };
  const many = target.end - target.start;
  if (host && host.end - host.start !== many && many > 0) {
    return { error: `Invalid ranges specified for container and host Ports: ${targetText} and ${published}` };
  }
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) return { error: `Invalid proto: ${protocolText}` };
  const ports: PortText[] = [];
  for (let offset = 0; offset <= many; offset++) {
    const taken = !host
      ? ''
      : many === 0 && host.end > host.start
        ? `${host.start}-${host.end}`
        : String(host.start + offset);
    ports.push({ hostIp: ip, target: target.start + offset, published: taken, protocol });
  }
  const key = (port: PortText) => `${port.target}/${port.protocol}`;
  return ports.sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}

function splitParts(text: string): { hostIp: string; published: string; target: string } {
  const parts = text.split(':');
  const target = parts.pop() ?? '';
  const published = parts.pop() ?? '';
  return { hostIp: parts.join(':'), published, target };
}

/** Both ends of `80` or `80-90`; at most 65535, and not backwards. */
export function parseRange(text: string): { start: number; end: number } | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2] ?? match[1]);
  return start <= 65535 && end <= 65535 && end >= start ? { start, end } : undefined;
}
