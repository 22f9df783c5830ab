import type { EndpointRequest } from '../network/types.ts';
import type { ContainerRecord } from './container-record.ts';
import { defaultNetwork } from './create-network.ts';

/** An endpoint as networks get it: on those of users, a host name that was asked for is one of its names, too. */
export function withHostname(record: ContainerRecord, endpoint: EndpointRequest): EndpointRequest {
  const hostname = record.body.Hostname;
  if (!hostname || endpoint.network === defaultNetwork) return endpoint;
  return { ...endpoint, aliases: [...endpoint.aliases, hostname] };
}
