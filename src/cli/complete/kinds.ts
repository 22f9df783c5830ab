/** What the words of a command and the values of a flag name. */
export type NameKind =
  | 'containers'
  | 'running'
  | 'images'
  | 'networks'
  | 'volumes'
  | 'services'
  | 'profiles'
  | 'projects'
  | 'files';

const containers =
  'attach cp commit diff exec export inspect kill logs pause port rename restart rm start stats stop top unpause update wait';

/** By the words of the command; a command that is not named takes nothing that can be named ahead. */
export const positionals: Readonly<Record<string, NameKind>> = {
  ...Object.fromEntries(
    containers.split(' ').flatMap((name) => [
      [name, 'containers'],
      [`container ${name}`, 'containers'],
    ]),
  ),
  ...Object.fromEntries(
    ['run', 'create', 'container run', 'container create', 'rmi', 'tag', 'push', 'save', 'history'].map((name) => [
      name,
      'images',
    ]),
  ),
  ...Object.fromEntries(['rm', 'inspect', 'tag', 'push', 'save', 'history'].map((name) => [`image ${name}`, 'images'])),
  ...Object.fromEntries(['rm', 'inspect', 'connect', 'disconnect'].map((name) => [`network ${name}`, 'networks'])),
  ...Object.fromEntries(['rm', 'inspect'].map((name) => [`volume ${name}`, 'volumes'])),
  build: 'files',
  load: 'files',
  import: 'files',
  up: 'services',
  down: 'services',
  scale: 'services',
};

/** Commands of `compose` whose words name no services. */
export const withoutServices: ReadonlySet<string> = new Set(['compose ls', 'compose version', 'compose publish']);

/** By the flag's name. */
export const flagValues: Readonly<Record<string, NameKind>> = {
  file: 'files',
  'env-file': 'files',
  'project-directory': 'files',
  output: 'files',
  'env-from-file': 'files',
  profile: 'profiles',
  'project-name': 'projects',
  network: 'networks',
  attach: 'services',
  'no-attach': 'services',
  'exit-code-from': 'services',
  scale: 'services',
};
