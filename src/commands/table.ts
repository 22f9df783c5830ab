import type { BaseCommand } from '../cli/base-command.ts';
import { composeCommands } from './table-compose.ts';

type CommandClass = (new (...args: ConstructorParameters<typeof BaseCommand>) => BaseCommand) & typeof BaseCommand;

/** One command: its summary for the group's help, and how to load it. Nothing is loaded that is not run. */
export interface CommandRow {
  readonly summary: string;
  readonly load: () => Promise<{ default: CommandClass }>;
  /** Kept out of the help text: a second name of a command that is listed elsewhere. */
  readonly hidden?: boolean;
}

/** All commands by their words. A noun form (`container ls`) and its short form (`ps`) share one class. */
export const commands: Readonly<Record<string, CommandRow>> = {
  ...composeCommands,
  run: { summary: 'Create and run a new container from an image', load: () => import('./container/run.ts') },
  create: { summary: 'Create a new container', load: () => import('./container/create.ts') },
  start: { summary: 'Start one or more stopped containers', load: () => import('./container/start.ts') },
  stop: { summary: 'Stop one or more running containers', load: () => import('./container/stop.ts') },
  restart: { summary: 'Restart one or more containers', load: () => import('./container/restart.ts') },
  kill: { summary: 'Send a signal to one or more running containers', load: () => import('./container/kill.ts') },
  pause: { summary: 'Suspend all processes of one or more containers', load: () => import('./container/pause.ts') },
  unpause: {
    summary: 'Let the processes of one or more paused containers go on',
    load: () => import('./container/unpause.ts'),
  },
  rm: { summary: 'Remove one or more containers', load: () => import('./container/rm.ts') },
  wait: {
    summary: 'Wait until one or more containers stop, then print their exit codes',
    load: () => import('./container/wait.ts'),
  },
  rename: { summary: 'Rename a container', load: () => import('./container/rename.ts') },
  ps: { summary: 'List containers', load: () => import('./container/ps.ts') },
  logs: { summary: 'Fetch the logs of a container', load: () => import('./container/logs.ts') },
  exec: { summary: 'Execute a command in a running container', load: () => import('./container/exec.ts') },
  attach: { summary: 'Attach to the streams of a running container', load: () => import('./container/attach.ts') },
  export: { summary: "Export a container's file system as a tar archive", load: () => import('./container/export.ts') },
  port: { summary: 'List the published ports of a container', load: () => import('./container/port.ts') },
  top: { summary: 'Show the running processes of a container', load: () => import('./container/top.ts') },
  inspect: {
    summary: 'Show all details of containers, images, networks or volumes',
    load: () => import('./inspect.ts'),
  },
  images: { summary: 'List images', load: () => import('./image/images.ts') },
  rmi: { summary: 'Remove one or more images', load: () => import('./image/rmi.ts') },
  tag: { summary: 'Give an image a further name', load: () => import('./image/tag.ts') },
  import: { summary: 'Import the contents of a tar archive as an image', load: () => import('./image/import.ts') },
  pull: { summary: 'Download an image from a registry', load: () => import('./image/pull.ts') },
  push: { summary: 'Upload an image to a registry', load: () => import('./image/push.ts') },
  'image push': { summary: 'Upload an image to a registry', load: () => import('./image/push.ts') },
  login: { summary: 'Log in to a registry', load: () => import('./registry/login.ts') },
  logout: { summary: 'Log out from a registry', load: () => import('./registry/logout.ts') },
  search: { summary: 'Search a registry for images', load: () => import('./registry/search.ts') },
  save: { summary: 'Save one or more images to a tar archive', load: () => import('./image/save.ts') },
  load: { summary: 'Load images from a tar archive', load: () => import('./image/load.ts') },
  history: { summary: 'Show how an image was made', load: () => import('./image/history.ts') },
  commit: {
    summary: "Make an image of a container's files and configuration",
    load: () => import('./container/commit.ts'),
  },
  'container commit': {
    summary: "Make an image of a container's files and configuration",
    load: () => import('./container/commit.ts'),
  },
  'registry serve': {
    summary: 'Serve a registry of images from this engine, until interrupted',
    load: () => import('./registry/serve.ts'),
  },
  'image bootstrap': {
    summary: "Make a base image from a distribution's packages, without a registry",
    load: () => import('./image/bootstrap.ts'),
  },
  'image ls': { summary: 'List images', load: () => import('./image/images.ts') },
  'image rm': { summary: 'Remove one or more images', load: () => import('./image/rmi.ts') },
  'image inspect': { summary: 'Show all details of one or more images', load: () => import('./image/inspect.ts') },
  'network ls': { summary: 'List networks', load: () => import('./network/ls.ts') },
  'network create': { summary: 'Create a network', load: () => import('./network/create.ts') },
  'network rm': { summary: 'Remove one or more networks', load: () => import('./network/rm.ts') },
  'network inspect': {
    summary: 'Show all details of one or more networks',
    load: () => import('./network/inspect.ts'),
  },
  'network connect': { summary: 'Connect a container to a network', load: () => import('./network/connect.ts') },
  'network disconnect': {
    summary: 'Disconnect a container from a network',
    load: () => import('./network/disconnect.ts'),
  },
  'volume ls': { summary: 'List volumes', load: () => import('./volume/ls.ts') },
  'volume create': { summary: 'Create a volume', load: () => import('./volume/create.ts') },
  'volume rm': { summary: 'Remove one or more volumes', load: () => import('./volume/rm.ts') },
  'volume inspect': { summary: 'Show all details of one or more volumes', load: () => import('./volume/inspect.ts') },
  'secret ls': { summary: 'List secrets', load: () => import('./secret/ls.ts') },
  'secret create': {
    summary: 'Keep a secret in the engine, from a file or standard input (-)',
    load: () => import('./secret/create.ts'),
  },
  'secret rm': { summary: 'Remove one or more secrets', load: () => import('./secret/rm.ts') },
  'secret inspect': {
    summary: 'Show all details of one or more secrets',
    load: () => import('./secret/inspect.ts'),
  },
  'config ls': { summary: 'List configs', load: () => import('./config/ls.ts') },
  'config create': {
    summary: 'Keep a config in the engine, from a file or standard input (-)',
    load: () => import('./config/create.ts'),
  },
  'config rm': { summary: 'Remove one or more configs', load: () => import('./config/rm.ts') },
  'config inspect': {
    summary: 'Show all details of one or more configs',
    load: () => import('./config/inspect.ts'),
  },
  info: { summary: 'Show what the engine is and what it holds', load: () => import('./system/info.ts') },
  events: { summary: 'Show what happens in the engine, as it happens', load: () => import('./system/events.ts') },
  'system info': { summary: 'Show what the engine is and what it holds', load: () => import('./system/info.ts') },
  'system events': {
    summary: 'Show what happens in the engine, as it happens',
    load: () => import('./system/events.ts'),
  },
  'daemon status': {
    summary: 'Say whether the engine runs, since when, and on which roots',
    load: () => import('./daemon/status.ts'),
  },
  'daemon stop': {
    summary: 'End the engine; running containers go on, and the next command adopts them',
    load: () => import('./daemon/stop.ts'),
  },
  'daemon logs': {
    summary: 'Show the log of the engine that commands started in the background',
    load: () => import('./daemon/logs.ts'),
  },
  doctor: {
    summary: 'Say what this machine can and cannot run, with the fix for each',
    load: () => import('./doctor.ts'),
  },
  version: { summary: 'Show the version of iEchor', load: () => import('./version.ts') },
  'image tag': { summary: 'Give an image a further name', load: () => import('./image/tag.ts') },
  'image import': {
    summary: 'Import the contents of a tar archive as an image',
    load: () => import('./image/import.ts'),
  },
  'image pull': { summary: 'Download an image from a registry', load: () => import('./image/pull.ts') },
  'image save': { summary: 'Save one or more images to a tar archive', load: () => import('./image/save.ts') },
  'image load': { summary: 'Load images from a tar archive', load: () => import('./image/load.ts') },
  'image history': { summary: 'Show how an image was made', load: () => import('./image/history.ts') },
  'container run': {
    summary: 'Create and run a new container from an image',
    load: () => import('./container/run.ts'),
  },
  'container create': { summary: 'Create a new container', load: () => import('./container/create.ts') },
  'container start': { summary: 'Start one or more stopped containers', load: () => import('./container/start.ts') },
  'container stop': { summary: 'Stop one or more running containers', load: () => import('./container/stop.ts') },
  'container restart': { summary: 'Restart one or more containers', load: () => import('./container/restart.ts') },
  'container kill': {
    summary: 'Send a signal to one or more running containers',
    load: () => import('./container/kill.ts'),
  },
  'container pause': {
    summary: 'Suspend all processes of one or more containers',
    load: () => import('./container/pause.ts'),
  },
  'container unpause': {
    summary: 'Let the processes of one or more paused containers go on',
    load: () => import('./container/unpause.ts'),
  },
  'container rm': { summary: 'Remove one or more containers', load: () => import('./container/rm.ts') },
  'container wait': {
    summary: 'Wait until one or more containers stop, then print their exit codes',
    load: () => import('./container/wait.ts'),
  },
  'container rename': { summary: 'Rename a container', load: () => import('./container/rename.ts') },
  'container logs': { summary: 'Fetch the logs of a container', load: () => import('./container/logs.ts') },
  'container exec': { summary: 'Execute a command in a running container', load: () => import('./container/exec.ts') },
  'container attach': {
    summary: 'Attach to the streams of a running container',
    load: () => import('./container/attach.ts'),
  },
  'container export': {
    summary: "Export a container's file system as a tar archive",
    load: () => import('./container/export.ts'),
  },
  'container port': { summary: 'List the published ports of a container', load: () => import('./container/port.ts') },
  'container cp': {
    summary: 'Copy files between a container and the disk',
    load: () => import('./container/cp.ts'),
  },
  'container diff': { summary: "Show what changed in a container's files", load: () => import('./container/diff.ts') },
  'container stats': {
    summary: 'Show what containers use, as it changes',
    load: () => import('./container/stats.ts'),
  },
  'container update': {
    summary: 'Change the limits and the restart policy of one or more containers',
    load: () => import('./container/update.ts'),
  },
  'container top': { summary: 'Show the running processes of a container', load: () => import('./container/top.ts') },
  'container ls': { summary: 'List containers', load: () => import('./container/ps.ts') },
  'container inspect': {
    summary: 'Show all details of one or more containers',
    load: () => import('./container/inspect.ts'),
  },
  up: { summary: 'Create and start the containers of the project', load: () => import('./compose/up.ts') },
  down: { summary: 'Stop and remove containers and networks of the project', load: () => import('./compose/down.ts') },
  scale: { summary: 'Change the number of replicas of services', load: () => import('./compose/scale.ts') },
  'container prune': {
    summary: 'Remove all containers that do not run',
    load: () => import('./container/prune.ts'),
  },
  'image prune': { summary: 'Remove images that nothing uses', load: () => import('./image/prune.ts') },
  'network prune': { summary: 'Remove all networks that nothing uses', load: () => import('./network/prune.ts') },
  'volume prune': { summary: 'Remove volumes that no container uses', load: () => import('./volume/prune.ts') },
  'builder prune': { summary: 'Remove the cache of builds', load: () => import('./builder/prune.ts') },
  'system df': { summary: 'Show what lies on the disk', load: () => import('./system/df.ts') },
  'system prune': { summary: 'Remove whatever nothing uses', load: () => import('./system/prune.ts') },
  cp: { summary: 'Copy files between a container and the disk', load: () => import('./container/cp.ts') },
  diff: { summary: "Show what changed in a container's files", load: () => import('./container/diff.ts') },
  stats: { summary: 'Show what containers use, as it changes', load: () => import('./container/stats.ts') },
  update: {
    summary: 'Change the limits and the restart policy of one or more containers',
    load: () => import('./container/update.ts'),
  },
  build: { summary: 'Build an image from an iEchorfile', load: () => import('./image/build.ts') },
  'image build': { summary: 'Build an image from an iEchorfile', load: () => import('./image/build.ts') },
};
