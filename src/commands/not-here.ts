import { IechorError } from '../common/error.ts';

const notary = ['signatures of Notary', '"iechor trust sign" and "iechor trust policy" have those of cosign'] as const;

/** Groups of Docker's commands for what this engine has not, with what there is instead. */
const groups: Readonly<Record<string, readonly [what: string, instead: string]>> = {
  swarm: ['swarms of several machines', '"iechor up" runs the services of a project on this one'],
  node: ['swarms of several machines', '"iechor info" tells about this one'],
  service: ['services of a swarm', '"iechor ps" and "iechor scale" are for the services of a project'],
  stack: ['stacks of a swarm', '"iechor up" runs the services of a project'],
  plugin: ['plugins of the engine', 'drivers that come with it are listed by "iechor info --format \'{{.Plugins}}\'"'],
  ...builderWords('builders beside the engine', '"iechor build" builds in the engine itself', {
    words: ['create', 'dial-stdio', 'inspect', 'ls', 'rm', 'stop', 'use', 'version'],
  }),
  ...builderWords('records of past builds', '"iechor build --explain" tells how steps come about', {
    words: ['history'],
  }),
  ...builderWords('tools for registries', '"iechor manifest" shows and makes lists of images', {
    words: ['imagetools'],
  }),
  'trust revoke': notary,
  'trust signer': notary,
  'trust key load': notary,
  checkpoint: ['checkpoints of containers', '"iechor commit" keeps the files of one as an image'],
};

function builderWords(what: string, instead: string, { words }: { readonly words: readonly string[] }) {
  return Object.fromEntries(words.map((word) => [`builder ${word}`, [what, instead] as const]));
}

/** The refusal of a command that Docker has and this engine has not, by name; undefined for any other word. */
export function refusalOfGroup(word: string): IechorError | undefined {
  if (!Object.hasOwn(groups, word)) return undefined;
  const [what, instead] = groups[word] ?? ['', ''];
  return new IechorError('NOT_SUPPORTED', `"${word}": ${what} are not supported`, { hint: instead });
}
