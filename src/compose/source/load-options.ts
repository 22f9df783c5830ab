import type { FetchOci, FetchRemote } from './git-reference.ts';

export interface LoadOptions {
  /** `-f`, in order; `-` is stdin. None: COMPOSE_FILE, else the standard names in `cwd` and its parents. */
  readonly files?: readonly string[] | undefined;
  readonly projectDirectory?: string | undefined;
  readonly projectName?: string | undefined;
  /** `--env-file`, in order; none: `.env` of the project directory. */
  readonly envFiles?: readonly string[] | undefined;
  /** `--profile`; none: COMPOSE_PROFILES. */
  readonly profiles?: readonly string[] | undefined;
  /** Services named on the command line: they and what they depend on are kept, their profiles switched on. */
  readonly services?: readonly string[] | undefined;
  /** The project is only looked up in: files of variables are not read, and what only hinders a start is no error. */
  readonly outline?: boolean | undefined;
  /** Keep networks, volumes ... that no active service uses (`--all-resources`). Default false. */
  readonly allResources?: boolean | undefined;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Brings remote repositories here; without it files in them are refused. */
  readonly fetchRemote?: FetchRemote | undefined;
  /** Brings projects from registries here; without it they are refused. */
  readonly fetchOci?: FetchOci | undefined;
  readonly stdin?: (() => Promise<string>) | undefined;
  /** All true by default; false is `config`'s `--no-...`. */
  readonly interpolate?: boolean | undefined;
  readonly normalize?: boolean | undefined;
  readonly resolvePaths?: boolean | undefined;
  readonly checkConsistency?: boolean | undefined;
  readonly resolveEnvironment?: boolean | undefined;
}
