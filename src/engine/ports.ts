import { codeOf } from '../common/error.ts';
import type { ContainerRecord, RequestedPort } from './container-record.ts';
import type { EngineContext } from './context.ts';

/** The ports to publish, one chosen of each range, all of them free. Throws PORT_IN_USE naming the holder. */
export async function choosePorts(context: EngineContext, record: ContainerRecord): Promise<RequestedPort[]> {
  const chosen: RequestedPort[] = record.ports.filter((port) => port.hostPortEnd === undefined);
  if (chosen.length > 0) await context.networks.checkPorts(record.id, chosen, record.endpoints);
  for (const port of record.ports) {
    if (port.hostPortEnd !== undefined) chosen.push(await firstFree(context, record, [...chosen, port]));
  }
  return chosen;
}

async function firstFree(
  context: EngineContext,
  record: ContainerRecord,
  ports: readonly RequestedPort[],
): Promise<RequestedPort> {
  const taken = ports.slice(0, -1);
  const { hostPortEnd = 0, ...range } = ports.at(-1) as RequestedPort;
  for (let hostPort = range.hostPort; ; hostPort++) {
    const port = { ...range, hostPort };
    if (taken.some((other) => other.hostPort === hostPort && other.protocol === port.protocol)) continue;
    try {
      await context.networks.checkPorts(record.id, [port], record.endpoints);
      return port;
    } catch (error) {
      if (codeOf(error) !== 'PORT_IN_USE' || hostPort >= hostPortEnd) throw error;
    }
  }
}
