import { readFileSync, statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { Forwarder, Upstream } from './dns-forward.ts';
import { parseQuery, rcode, renderAnswer, renderError } from './dns-message.ts';
import type { Answering } from './dns-server.ts';
import { mayForward, type Zone } from './dns-zone.ts';
import { parseResolvConf, resolverAddress } from './resolv-conf.ts';

const maxTcpAnswerBytes = 65535;

/** Answers a container's query: from the zone, else from name servers, where its networks lead outside. */
export function createAnswering(zone: Zone, forwarder: Forwarder, hostServers: () => readonly string[]): Answering {
  return (sandboxId, message, transport) => {
    const sandbox = zone.get(sandboxId);
    const query = parseQuery(message);
    if (!sandbox || !query) return renderError(message, rcode.formatError);
    const own = zone.lookup(sandboxId, query.question.name);
    if (own) return renderAnswer(query, own, transport === 'udp' ? query.udpBytes : maxTcpAnswerBytes);
    if (!mayForward(sandbox)) return renderError(message, rcode.serverFailure);
    const servers = sandbox.servers.length > 0 ? sandbox.servers : hostServers();
    // Who asks itself waits for ever.
    const others = sandbox.servers.length > 0 ? servers.filter((one) => one !== resolverAddress) : servers;
    const upstreams = others.map((address): Upstream => {
      // A loopback address that the user gave is the container's own.
      const inside = sandbox.servers.length > 0 && isLoopback(address);
      return inside ? { address, netns: sandbox.netns } : { address };
    });
    return forwarder.forward(message, upstreams, transport);
  };
}

function isLoopback(address: string): boolean {
  return isIPv6(address) ? address === '::1' : address.startsWith('127.');
}

const recheckMs = 1000;

/** The host's name servers, read again when their file changes. */
export function hostServerReader(path = '/etc/resolv.conf'): () => readonly string[] {
  let servers: readonly string[] = [];
  let stamp = '';
  let checkedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - checkedAt < recheckMs) return servers;
    checkedAt = performance.now();
    try {
      const { mtimeMs, ino, size } = statSync(path);
      const now = `${mtimeMs} ${ino} ${size}`;
      if (now !== stamp) servers = parseResolvConf(readFileSync(path, 'utf8')).nameservers;
      stamp = now;
    } catch {
      servers = [];
      stamp = '';
    }
    return servers;
  };
}
