import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import type { PortProtocol, PublishedPort } from '../network/types.ts';
import type { EngineContext } from './context.ts';

/** Which of the asked ports programs of the host have. Throws BAD_REQUEST for what is no port. */
export async function portHolders(
  context: EngineContext,
  request: Parameters<EngineApi['portHolders']>[0],
): ReturnType<EngineApi['portHolders']> {
  return (request.ports ?? []).flatMap((Port) => {
    const Holder = context.networks.foreignHolder(parse(Port));
    return Holder === undefined ? [] : [{ Port, Holder }];
  });
}

/** `tcp:127.0.0.1:8080`; the address may be empty, and an IPv6 one has colons of its own. */
function parse(text: string): PublishedPort {
  const match = /^(tcp|udp|sctp):(.*):(\d{1,5})$/.exec(text);
  if (!match) throw new IechorError('BAD_REQUEST', `"${text}" is not a port`, { hint: 'write tcp:ADDRESS:PORT' });
  const [, protocol, hostAddress = '', port] = match;
  return { protocol: protocol as PortProtocol, hostAddress, hostPort: Number(port), containerPort: 1 };
}
