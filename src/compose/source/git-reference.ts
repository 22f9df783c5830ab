/** A git repository, a point in its history, and a place in it: `https://host/repo.git#ref:directory`. */
export interface GitReference {
  /** `https://`, `http://`, `ssh://`, `git://`, or `user@host:path`; never begins with a dash. */
  readonly url: string;
  /** Branch, tag or commit; default: where HEAD of the repository points. */
  readonly ref?: string;
  /** Directory or file in the repository, without leading slash or `..`. */
  readonly path?: string;
}

/** References to files that are not on this machine. */
export const isRemote = (reference: string): boolean => isOci(reference) || isGit(reference);
export const isOci = (reference: string): boolean => reference.startsWith('oci://');
const isGit = (reference: string): boolean =>
  /^(git@|git:\/\/|ssh:\/\/|github\.com\/)/.test(reference) || /^https?:\/\/.*\.git(#.*)?$/.test(reference);

/**
 * Reads a reference that `isRemote` lets through. What git could take for an option, for a program to run or for a
 * place outside the repository is refused: then the answer is what is wrong with it.
 */
export function parseGitReference(reference: string): GitReference | string {
  const hash = reference.indexOf('#');
  const [address, fragment] = hash < 0 ? [reference, ''] : [reference.slice(0, hash), reference.slice(hash + 1)];
  const colon = fragment.indexOf(':');
  const [ref, path] = colon < 0 ? [fragment, ''] : [fragment.slice(0, colon), fragment.slice(colon + 1)];
  const url = address.startsWith('github.com/') ? `https://${address}` : address;
  if (!isAddress(url)) return `"${url}" is no address of a git repository`;
  if (!/^([A-Za-z0-9_][A-Za-z0-9_./+@-]*)?$/.test(ref) || /\.\.|@\{|\/\/|\/$|\.lock$/.test(ref))
    return `"${ref}" is no name of a branch, tag or commit`;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || parts.includes('.git') || path.includes('\0'))
    return `"${path}" leads out of the repository`;
  return { url, ...(ref && { ref }), ...(parts.length > 0 && { path: parts.join('/') }) };
}

function isAddress(url: string): boolean {
  const scp = /^[A-Za-z0-9_][A-Za-z0-9_.-]*@([A-Za-z0-9_][A-Za-z0-9_.-]*):(?!-)[^\s\0]+$/;
  const plain =
    /^(?:https?|ssh|git):\/\/(?:[^\s\0@/-][^\s\0@/]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9a-fA-F:]+\])(?::\d+)?\/(?!-)[^\s\0]+$/;
  return scp.test(url) || plain.test(url);
}

/** Brings a repository here: the directory that holds its files, or what went wrong. Never throws for the latter. */
export type FetchRemote = (
  reference: GitReference,
) => Promise<{ readonly directory: string } | { readonly problem: string; readonly hint?: string | undefined }>;

/** Brings a project from a registry (`oci://...`) here: the directory that holds it, or what went wrong. */
export type FetchOci = (reference: string) => ReturnType<FetchRemote>;

/** A file to read. */
export interface Located {
  /** Absolute, or `-`. */
  readonly name: string;
  /** The checkout it belongs to, all links resolved. */
  readonly root?: string;
}

export type Fetched =
  | Located
  | { readonly problem: string; readonly hint?: string | undefined; readonly unsupported?: true };
