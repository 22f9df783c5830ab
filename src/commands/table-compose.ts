import type { CommandRow } from './command-row.ts';

/** The commands of `compose`, by their words, and those that work without that word. */
export const composeCommands: Readonly<Record<string, CommandRow>> = {
  'compose build': { summary: 'Build the images of services', load: () => import('./compose/build.ts') },
  'compose create': {
    summary: 'Create the containers of the project and do not start them',
    load: () => import('./compose/create.ts'),
  },
  'compose debug': {
    summary: 'Open a shell beside a running container: its processes, network and files, tools of another image',
    load: () => import('./compose/debug.ts'),
  },
  'compose diff': {
    summary: 'Show what up would change, resource by resource, and why',
    load: () => import('./compose/diff.ts'),
  },
  'compose down': {
    summary: 'Stop and remove containers and networks of the project',
    load: () => import('./compose/down.ts'),
  },
  'compose exec': {
    summary: 'Execute a command in a running container of a service',
    load: () => import('./compose/exec.ts'),
  },
  'compose images': {
    summary: 'List the images the containers were made from',
    load: () => import('./compose/images.ts'),
  },
  'compose jobs': {
    summary: 'Show the services that run by the clock: when next, and how they ran',
    load: () => import('./compose/jobs.ts'),
  },
  'compose kill': { summary: 'Send a signal to the containers of services', load: () => import('./compose/kill.ts') },
  'compose logs': {
    summary: 'Show what the containers wrote, in the order of time',
    load: () => import('./compose/logs.ts'),
  },
  'compose ls': { summary: 'List projects', load: () => import('./compose/ls.ts') },
  'compose pause': { summary: 'Suspend all processes of services', load: () => import('./compose/pause.ts') },
  'compose port': { summary: 'Show where a port of a service is published', load: () => import('./compose/port.ts') },
  'compose ps': { summary: 'List the containers of the project', load: () => import('./compose/ps.ts') },
  'compose pull': {
    summary: 'Pull the images of services that are not built here',
    load: () => import('./compose/pull.ts'),
  },
  'compose push': {
    summary: 'Push the images that services build',
    load: () => import('./compose/push.ts'),
  },
  'compose publish': {
    summary: 'Publish the project to a registry, for -f oci://',
    load: () => import('./compose/publish.ts'),
  },
  'compose restart': {
    summary: 'Restart the containers of services; changes of the file do not apply',
    load: () => import('./compose/restart.ts'),
  },
  'compose rm': { summary: 'Remove stopped containers of services', load: () => import('./compose/rm.ts') },
  'compose run': { summary: 'Run a command in a new container of a service', load: () => import('./compose/run.ts') },
  'compose scale': { summary: 'Change the number of replicas of services', load: () => import('./compose/scale.ts') },
  'compose start': { summary: 'Start the containers of services', load: () => import('./compose/start.ts') },
  'compose stop': { summary: 'Stop the containers of services', load: () => import('./compose/stop.ts') },
  'compose top': { summary: 'Show the running processes of services', load: () => import('./compose/top.ts') },
  'compose unpause': {
    summary: 'Let the processes of paused services go on',
    load: () => import('./compose/unpause.ts'),
  },
  'compose config': {
    summary: 'Check the project and print it in its canonical form',
    load: () => import('./compose/config.ts'),
  },
  'compose convert': {
    summary: 'Check the project and print it',
    load: () => import('./compose/config.ts'),
    hidden: true,
  },
  'compose up': { summary: 'Create and start the containers of the project', load: () => import('./compose/up.ts') },
  'compose attach': {
    summary: "Attach to the streams of a service's running container",
    load: () => import('./compose/attach.ts'),
  },
  'compose cp': {
    summary: 'Copy files between services, or between a service and the disk',
    load: () => import('./compose/cp.ts'),
  },
  'compose events': {
    summary: "Show what happens to the project's containers, as it happens",
    load: () => import('./compose/events.ts'),
  },
  'compose export': {
    summary: "Export the file system of a service's container as a tar archive",
    load: () => import('./compose/export.ts'),
  },
  'compose stats': {
    summary: 'Show what the containers of services use, as it changes',
    load: () => import('./compose/stats.ts'),
  },
  'compose version': {
    summary: 'Show the version of iEchor Compose',
    load: () => import('./compose/version.ts'),
  },
  'compose volumes': {
    summary: 'List the volumes of the project, or those that services use',
    load: () => import('./compose/volumes.ts'),
  },
  'compose wait': {
    summary: 'Wait until the containers of services end; the exit code is theirs',
    load: () => import('./compose/wait.ts'),
  },
  'compose watch': {
    summary: 'Bring changed files into running services, as develop.watch says',
    load: () => import('./compose/watch.ts'),
  },
  'compose commit': {
    summary: "Make an image of the files and the configuration of a service's container",
    load: () => import('./compose/commit.ts'),
  },
  'compose graph': { summary: 'Show which service depends on which', load: () => import('./compose/graph.ts') },
  'compose alpha publish': {
    summary: 'Publish the project to a registry (see publish)',
    load: () => import('./compose/publish.ts'),
    hidden: true,
  },
  'compose bridge convert': {
    summary: 'Convert the project to Kubernetes manifests or another model, by images that can',
    load: () => import('./compose/bridge/convert.ts'),
  },
  'compose bridge transformations create': {
    summary: 'Create a transformation of your own: templates of another one, and a build file',
    load: () => import('./compose/bridge/create.ts'),
  },
  'compose bridge transformations ls': {
    summary: 'List the transformations that are here',
    load: () => import('./compose/bridge/ls.ts'),
  },
  'compose alpha generate': {
    summary: 'Print a compose file that makes containers such as these',
    load: () => import('./compose/generate.ts'),
  },
  'compose alpha viz': {
    summary: 'Print the dependencies of services for graphviz (see graph)',
    load: () => import('./compose/viz.ts'),
  },
  'compose completion': {
    summary: 'Print what makes a shell complete commands, flags and names',
    load: () => import('./completion.ts'),
    hidden: true,
  },
  up: { summary: 'Create and start the containers of the project', load: () => import('./compose/up.ts') },
  down: { summary: 'Stop and remove containers and networks of the project', load: () => import('./compose/down.ts') },
  scale: { summary: 'Change the number of replicas of services', load: () => import('./compose/scale.ts') },
  config: {
    summary: 'Check the project and print it in its canonical form',
    load: () => import('./compose/config.ts'),
  },
  graph: { summary: 'Show which service depends on which', load: () => import('./compose/graph.ts') },
  publish: { summary: 'Publish the project to a registry, for -f oci://', load: () => import('./compose/publish.ts') },
  watch: {
    summary: 'Bring changed files into running services, as develop.watch says',
    load: () => import('./compose/watch.ts'),
  },
  completion: {
    summary: 'Print what makes a shell complete commands, flags and names',
    load: () => import('./completion.ts'),
  },
};
