import type { Diagnostic } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import type { Project } from '../model/project.ts';
import type { Origins } from './origins.ts';

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
  /** Keep networks, volumes ... that no active service uses (`--all-resources`). Default false. */
  readonly allResources?: boolean | undefined;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin?: (() => Promise<string>) | undefined;
  /** All true by default; false is `config`'s `--no-...`. */
  readonly interpolate?: boolean | undefined;
  readonly normalize?: boolean | undefined;
  readonly resolvePaths?: boolean | undefined;
  readonly checkConsistency?: boolean | undefined;
  readonly resolveEnvironment?: boolean | undefined;
}

export interface Loaded {
  readonly project: Project;
  readonly origins: Origins;
  /** Warnings; errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
  /** Text of every file read, by the name used in spans: for `formatDiagnostic`. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Reads a Compose project: every file, in the order of the specification, down to the canonical model.
 * Throws one IechorError (COMPOSE_FILE_MISSING, COMPOSE_SYNTAX, COMPOSE_INVALID, PROJECT_NAME, SERVICE_NOT_FOUND) whose
 * `diagnostics` hold all findings.
 */
export async function load(_options: LoadOptions): Promise<Loaded> {
  throw new IechorError('COMPOSE_UNSUPPORTED', 'the Compose loader is not in place yet');
}
