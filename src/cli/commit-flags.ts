import { Flags } from './flags.ts';
import { splitTag } from './split-tag.ts';

/** What `commit` takes of a container by name and of a service's alike. */
export const commitFlags = {
  author: Flags.string({ char: 'a', summary: 'Author of the image' }),
  change: Flags.string({
    char: 'c',
    summary: 'Apply an iEchorfile instruction to the image',
    multiple: true,
    multipleNonGreedy: true,
  }),
  message: Flags.string({ char: 'm', summary: 'What was done, for the history' }),
  pause: Flags.boolean({
    char: 'p',
    default: true,
    allowNo: true,
    summary: 'Freeze the container meanwhile (--no-pause)',
  }),
};

interface CommitChoice {
  readonly author: string | undefined;
  readonly change: string[] | undefined;
  readonly message: string | undefined;
  readonly pause: boolean;
}

/** The request that the flags make, without its container. */
export function commitRequest(flags: CommitChoice, reference: string | undefined) {
  const { repo, tag } = splitTag(reference ?? '');
  const { author, change: changes, message: comment, pause } = flags;
  return { repo: repo || undefined, tag, comment, author, pause, changes, body: {} };
}
