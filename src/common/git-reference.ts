/** A git repository, a point in its history, and a place in it. */
export interface GitReference {
  /** `https://`, `http://`, `ssh://`, `git://`, or `user@host:path`; never begins with a dash. */
  readonly url: string;
  /** Branch, tag, commit or other name (`pull/7/head`); default: where HEAD of the repository points. */
  readonly ref?: string;
  /** Directory or file in the repository, without leading slash or `..`. */
  readonly path?: string;
  /** Commit that the point must be, or the beginning of its id. */
  readonly commit?: string;
  /** Whether `.git` is to stay; undefined: not said. */
  readonly keepGitDir?: boolean;
  /** Whether submodules are fetched; undefined: not said. */
  readonly submodules?: boolean;
}

/** Whether a reference is a repository's, by the forms that Docker's clients take for one. */
export const isGitAddress = (reference: string): boolean =>
  /^(git@|git:\/\/|ssh:\/\/|github\.com\/)/.test(reference) ||
  /^https?:\/\/[^?#]*\.git(\?[^#]*)?(#.*)?$/.test(reference);

/**
 * Reads `https://host/repo.git#ref:directory` or `https://host/repo.git?branch=main&subdir=directory`. What git could take
 * for an option, for a program to run or for a place outside the repository is refused: then the answer is what is wrong
 * with it.
 */
export function parseGitReference(reference: string): GitReference | string {
  const [, address = '', query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(reference) ?? [];
  const url = address.startsWith('github.com/') ? `https://${address}` : address;
  if (!isAddress(url)) return `"${url}" is no address of a git repository`;
  const draft: Draft = { url };
  const colon = fragment.indexOf(':');
  const [ref, path] = colon < 0 ? [fragment, ''] : [fragment.slice(0, colon), fragment.slice(colon + 1)];
  const wrong =
    (ref && setRef(draft, ref)) || (path && setPath(draft, path)) || (query && readQuery(draft, query)) || undefined;
  return wrong ?? draft;
}

type Draft = { -readonly [K in keyof GitReference]: GitReference[K] };

function setRef(draft: Draft, ref: string): string | undefined {
  if (draft.ref !== undefined && draft.ref !== ref) return `both "${draft.ref}" and "${ref}" are to be fetched`;
  if (!/^[A-Za-z0-9_][A-Za-z0-9_./+@-]*$/.test(ref) || /\.\.|@\{|\/\/|\/$|\.lock$/.test(ref))
    return `"${ref}" is no name of a branch, tag or commit`;
  draft.ref = ref;
  return undefined;
}

function setPath(draft: Draft, path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || parts.includes('.git') || path.includes('\0'))
    return `"${path}" leads out of the repository`;
  if (parts.length > 0) draft.path = parts.join('/');
  return undefined;
}

function readQuery(draft: Draft, query: string): string | undefined {
  for (const [name, value] of new URLSearchParams(query)) {
    const set = Object.hasOwn(queries, name) ? queries[name] : undefined;
    if (!set) return `"${name}" means nothing for a repository (known: ${Object.keys(queries).join(', ')})`;
    const wrong = set(draft, value);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** BuildKit's names. */
const queries: Readonly<Record<string, (draft: Draft, value: string) => string | undefined>> = {
  ref: setRef,
  branch: (draft, value) => setRef(draft, `refs/heads/${value}`),
  tag: (draft, value) => setRef(draft, `refs/tags/${value}`),
  commit: setCommit,
  checksum: setCommit,
  subdir: setPath,
  'keep-git-dir': (draft, value) => setSwitch(draft, 'keepGitDir', value),
  submodules: (draft, value) => setSwitch(draft, 'submodules', value),
};

function setCommit(draft: Draft, value: string): string | undefined {
  if (!/^[0-9a-f]{7,40}$/.test(value)) return `"${value}" is no id of a commit`;
  draft.commit = value;
  return undefined;
}

function setSwitch(draft: Draft, name: 'keepGitDir' | 'submodules', value: string): string | undefined {
  if (!/^(1|t|true|0|f|false|)$/i.test(value)) return `"${value}" is neither true nor false`;
  draft[name] = !/^[0f]/i.test(value);
  return undefined;
}

function isAddress(url: string): boolean {
  const scp = /^[A-Za-z0-9_][A-Za-z0-9_.-]*@([A-Za-z0-9_][A-Za-z0-9_.-]*):(?!-)[^\s\0]+$/;
  const plain =
    /^(?:https?|ssh|git):\/\/(?:[^\s\0@/-][^\s\0@/]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9a-fA-F:]+\])(?::\d+)?\/(?!-)[^\s\0]+$/;
  return scp.test(url) || plain.test(url);
}
