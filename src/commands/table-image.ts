import type { CommandRow } from './command-row.ts';

/** The commands that look into images, join them to lists, sign them and serve them, by their words. */
export const imageCommands: Readonly<Record<string, CommandRow>> = {
  'manifest inspect': {
    summary: 'Show an image manifest or a list of them',
    load: () => import('./manifest/inspect.ts'),
  },
  'manifest create': {
    summary: 'Begin a list of images, one for each platform',
    load: () => import('./manifest/create.ts'),
  },
  'manifest annotate': {
    summary: 'Change what a list says of the platform of one of its images',
    load: () => import('./manifest/annotate.ts'),
  },
  'manifest push': { summary: 'Push a list of images to its registry', load: () => import('./manifest/push.ts') },
  'manifest rm': {
    summary: 'Forget one or more lists that are being made',
    load: () => import('./manifest/rm.ts'),
  },
  'distribution inspect': {
    summary: 'Show digest and platforms of images in their registries',
    load: () => import('./distribution/inspect.ts'),
  },
  'image sbom': { summary: 'Say what software an image has', load: () => import('./image/sbom.ts') },
  'image files': { summary: 'List the files of an image', load: () => import('./image/files.ts') },
  'image find': { summary: 'Say which images have a file', load: () => import('./image/find.ts') },
  'trust sign': { summary: 'Sign an image in its registry', load: () => import('./trust/sign.ts') },
  'trust inspect': {
    summary: 'Show the signatures of an image, and whether they count',
    load: () => import('./trust/inspect.ts'),
  },
  'trust policy': {
    summary: 'Show or change which images the engine takes from registries',
    load: () => import('./trust/policy.ts'),
  },
  'trust key generate': { summary: 'Make a key to sign images with', load: () => import('./trust/key-generate.ts') },
  'registry ls': { summary: 'List what was pushed to the served registry', load: () => import('./registry/ls.ts') },
  'registry rm': {
    summary: 'Remove repositories or tags from the served registry',
    load: () => import('./registry/rm.ts'),
  },
  'registry serve': {
    summary: 'Serve a registry of images from this engine, until interrupted',
    load: () => import('./registry/serve.ts'),
  },
};
