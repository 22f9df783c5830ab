import { type GitReference, isGitAddress } from '../../common/git-reference.ts';

/** References to files that are not on this machine. */
export const isRemote = (reference: string): boolean => isOci(reference) || isGitAddress(reference);
export const isOci = (reference: string): boolean => reference.startsWith('oci://');

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
