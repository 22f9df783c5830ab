import type { ContainerCreateBody } from '../api/types/container.ts';
import type { ObservedContainer } from './plan/observe.ts';

/**
 * A container with tools beside another one: it shares that one's processes and network, and sees its files below
 * /proc/1/root, whatever is in its image. It is no part of the project and goes when its command ends.
 */
export function toolbox(
  container: Pick<ObservedContainer, 'id' | 'name'>,
  options: {
    readonly image: string;
    readonly command: readonly string[];
    readonly tty: boolean;
    readonly privileged: boolean;
  },
): ContainerCreateBody {
  const mode = `container:${container.id}`;
  const { image, command, tty, privileged } = options;
  return {
    Image: image,
    Cmd: command.length > 0 ? [...command] : ['sh'],
    Entrypoint: [''],
    Env: [`CONTAINER=${container.name}`, 'ROOT=/proc/1/root', 'PS1=$CONTAINER (debug) $PWD # '],
    User: '0:0',
    Tty: tty,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: mode,
      PidMode: mode,
      CapAdd: ['SYS_PTRACE'],
      Privileged: privileged,
    },
  };
}
