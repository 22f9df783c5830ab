import { composeFlags } from './compose-flags.ts';
import { Flags } from './flags.ts';

const yes = (summary: string) => Flags.boolean({ summary });
const many = (summary: string) => Flags.string({ summary, multiple: true, multipleNonGreedy: true });

/** What `create` and `up` share. */
export const createFlags = {
  'dry-run': composeFlags['dry-run'],
  build: yes('Build images before the start'),
  'no-build': yes('Do not build images, even when they are missing'),
  'force-recreate': yes('Recreate containers even when nothing changed'),
  'no-recreate': yes('Leave containers that exist as they are'),
  'quiet-build': yes('Show no progress of builds'),
  'quiet-pull': yes('Show no progress of pulls'),
  pull: composeFlags.pull,
  'remove-orphans': yes('Remove containers of services that are not in the project'),
  scale: composeFlags.scale,
  yes: Flags.boolean({ char: 'y', summary: 'Answer yes to questions (there are none)', hidden: true }),
};

export const upFlags = {
  ...createFlags,
  'abort-on-container-exit': yes('Stop all containers when one ends'),
  'abort-on-container-failure': yes('Stop all containers when one ends with an error'),
  'always-recreate-deps': yes('Recreate also what the named services depend on'),
  attach: many('Show the output of this service (several times)'),
  'attach-dependencies': yes('Show also the output of what the named services depend on'),
  detach: Flags.boolean({ char: 'd', summary: 'Run in the background' }),
  'exit-code-from': Flags.string({
    summary: 'Return the exit code of this service; implies --abort-on-container-exit',
  }),
  menu: Flags.boolean({
    summary: 'Keys while attached: d detaches, w switches watching, o shows the project',
    allowNo: true,
  }),
  'no-attach': many('Do not show the output of this service (several times)'),
  'no-color': yes('No colours'),
  'no-deps': yes('Leave alone what the named services depend on'),
  'no-log-prefix': yes('No names before the lines'),
  'no-start': yes('Create the containers and do not start them'),
  'keep-failed': yes('Leave what a failed start made as it is, to look at it'),
  rolling: Flags.boolean({
    summary: 'Replace running containers one at a time, each after its successor works (--no-rolling: all at once)',
    allowNo: true,
  }),
  'renew-anon-volumes': Flags.boolean({
    char: 'V',
    summary: 'New anonymous volumes in place of those of the predecessor',
  }),
  timeout: composeFlags.timeout,
  timestamps: yes('Show the time of each line'),
  watch: Flags.boolean({ char: 'w', summary: 'Bring changed files into running services, as develop.watch says' }),
  wait: yes('Wait until all are running or healthy; implies --detach'),
  'wait-timeout': Flags.integer({ summary: 'Seconds to wait at most' }),
};

type Choice =
  | 'quiet-build'
  | 'build'
  | 'no-build'
  | 'force-recreate'
  | 'no-recreate'
  | 'quiet-pull'
  | 'remove-orphans'
  | 'no-deps';
type UpChoice =
  | 'abort-on-container-exit'
  | 'abort-on-container-failure'
  | 'always-recreate-deps'
  | 'attach-dependencies'
  | 'detach'
  | 'no-color'
  | 'no-log-prefix'
  | 'keep-failed'
  | 'no-start'
  | 'rolling'
  | 'renew-anon-volumes'
  | 'timestamps'
  | 'menu'
  | 'wait'
  | 'watch';

/** Values of `upFlags` and `createFlags` as the parser gives them. */
export interface UpFlags extends Readonly<Partial<Record<Choice | UpChoice, boolean>>> {
  readonly pull?: string | undefined;
  readonly scale?: readonly string[] | undefined;
  readonly attach?: readonly string[] | undefined;
  readonly 'no-attach'?: readonly string[] | undefined;
  readonly 'exit-code-from'?: string | undefined;
  readonly timeout?: number | undefined;
  readonly 'wait-timeout'?: number | undefined;
}
