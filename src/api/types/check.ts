import type { ContainerCreateBody } from './container.ts';
import type { NetworkCreateBody, VolumeCreateBody } from './network.ts';

/** What is to be made together, for `creationsCheck`: containers may use networks and volumes beside them. */
export interface CreationsCheck {
  Containers: { Name: string; Body: ContainerCreateBody }[];
  Networks: NetworkCreateBody[];
  Volumes: VolumeCreateBody[];
  /** Ids of containers that will be gone before: what they have is free. */
  Leaving: string[];
}

/** Why something could not be made. */
export interface CreationFault {
  Kind: 'container' | 'network' | 'volume';
  /** Of what is to be made. */
  Name: string;
  /** The part of a container's body it is about, in the words of the API: `Mounts`, `Devices`, `Networks`. */
  About: string;
  Code: string;
  Message: string;
  Hint?: string;
}
