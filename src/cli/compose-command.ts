import { existsSync, realpathSync } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import type { Diagnostic } from '../common/diagnostic.ts';
import { IechorError } from '../common/error.ts';
import { withPlaces } from '../compose/plan/places.ts';
import type { Plan } from '../compose/plan/plan.ts';
import { renderPlan } from '../compose/plan/plan.ts';
import type { Session } from '../compose/session.ts';
import type { Loaded, LoadOptions } from '../compose/source/load.ts';
import type { Target } from '../compose/state.ts';
import { BaseCommand } from './base-command.ts';
import { composeFlags } from './compose-flags.ts';
import { resolveEndpoint } from './endpoint.ts';
import { envFlag } from './env-flag.ts';
import { openRenderer } from './open-renderer.ts';
import type { Renderer } from './render/renderer.ts';
import { diagnosticsText } from './report-error.ts';

export interface OpenSession extends Session {
  readonly renderer: Renderer;
}

type ProjectOptions = Pick<
  LoadOptions,
  | 'files'
  | 'profiles'
  | 'interpolate'
  | 'normalize'
  | 'resolvePaths'
  | 'checkConsistency'
  | 'resolveEnvironment'
  | 'allResources'
  | 'outline'
> & { readonly quiet?: boolean };

interface SessionOptions {
  readonly quiet?: boolean | undefined;
  /** Steps whose output is hidden: only how they end is shown. */
  readonly hush?: readonly string[];
  readonly dryRun?: boolean;
  /** In place of the global flag. */
  readonly progress?: string | undefined;
  /** Where the command is connected already. */
  readonly engine?: EngineApi;
}

/** What the commands of a project share: its files, the session with the engine, and Ctrl-C. */
export abstract class ComposeCommand extends BaseCommand {
  /** Accepted by all: what only looks does no more with it than without it. */
  static override baseFlags = { 'dry-run': composeFlags['dry-run'] };
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  #interrupts: (() => void) | undefined;
  /** The files this command read, for the places of its plan. */
  #loaded: Loaded | undefined;

  /** Aborted by the first Ctrl-C or SIGTERM. */
  override get signal(): AbortSignal {
    this.#listen();
    return this.#soft.signal;
  }

  /** Aborted by the second: what still runs is given up. The third ends the process. */
  protected get kill(): AbortSignal {
    this.#listen();
    return this.#hard.signal;
  }

  /** `--dry-run`, before the command or after it. */
  protected isDryRun(flags: { readonly 'dry-run'?: boolean | undefined }): boolean {
    return this.globals.dryRun || (flags['dry-run'] ?? false);
  }

  /** What globals say about `up` and its kin. */
  protected upOptions(): { readonly ansi: string | undefined; readonly separator: '-' | '_' } {
    return {
      ansi: this.globals.ansi,
      separator: this.globals.compatibility || envFlag(process.env.COMPOSE_COMPATIBILITY) ? '_' : '-',
    };
  }

  #listen(): void {
    if (this.#interrupts) return;
    this.#interrupts = () => {
      if (this.#hard.signal.aborted) process.exit(130);
      if (this.#soft.signal.aborted) this.#hard.abort();
      else this.#soft.abort();
    };
    process.on('SIGINT', this.#interrupts);
    process.on('SIGTERM', this.#interrupts);
  }

  /** From here on Ctrl-C does what it does by itself, or what a terminal or a proxy makes of it. */
  protected handOnSignals(): void {
    if (!this.#interrupts) return;
    process.off('SIGINT', this.#interrupts);
    process.off('SIGTERM', this.#interrupts);
  }

  /** Reads the project. With services, those of inactive profiles among them are switched on; `quiet` drops warnings. */
  protected async project(services: readonly string[] = [], options: ProjectOptions = {}): Promise<Loaded> {
    const { load } = await import('../compose/source/load.ts');
    const { files, projectDirectory, projectName, envFiles, profiles, allResources } = this.globals;
    const loaded = await load({
      files,
      projectDirectory,
      projectName,
      envFiles,
      profiles,
      allResources,
      services,
      ...options,
      cwd: workingDirectory(),
      environment: process.env,
      fetchRemote: async (reference) => {
        const { fetchRemote } = await import('./fetch-remote.ts');
        return fetchRemote(reference);
      },
      fetchOci: async (reference) => {
        const { artifacts } = await import('./compose-artifact.ts');
        return artifacts(this.globals.config).fetchOci(reference);
      },
      stdin: readStdin,
    });
    if (!options.quiet) this.diagnose(loaded.diagnostics);
    this.#loaded = loaded;
    takeOwnVariables(loaded.project.environment);
    return loaded;
  }

  /**
   * The project a command is about. Its file is read unless only a name was given; a name alone will do where the
   * file is not needed. `whole`: it has to be fit to run, not only to look names up in.
   */
  protected async target(whole = false): Promise<Target & { readonly loaded?: Loaded }> {
    const { files, projectName } = this.globals;
    const fromFile = files.length > 0 || Boolean(process.env.COMPOSE_FILE) || projectName === undefined;
    if (!fromFile && projectName !== undefined) return { project: projectName };
    try {
      const loaded = await this.project([], { quiet: true, outline: !whole });
      const { name, services, disabledServices } = loaded.project;
      return { project: name, known: [...Object.keys(services), ...Object.keys(disabledServices)], loaded };
    } catch (error) {
      const name = process.env.COMPOSE_PROJECT_NAME;
      if (name && files.length === 0 && (error as { code?: string }).code === 'COMPOSE_FILE_MISSING')
        return { project: name };
      throw error;
    }
  }

  protected async session(options: SessionOptions = {}): Promise<OpenSession> {
    const engine = options.engine ?? (await this.engine());
    const { progress = this.globals.progress } = options;
    const renderer = openRenderer({ ...this.globals, ...(progress !== undefined && { progress }) }, options);
    return {
      engine,
      renderer,
      sink: options.hush?.length ? hushed(renderer, options.hush) : renderer.event,
      announce: renderer.announce,
      notice: (text) => renderer.line(`warning: ${text}`),
      diagnose: (diagnostic) => this.diagnose([diagnostic]),
      lock: options.dryRun ? undefined : projectLock(this.globals, this.id),
      parallel: this.globals.parallel ?? parallelLimit(),
      apiSocket: async () => (await import('./api-socket.ts')).apiSocket(this.globals, process.env),
      buildContexts: {
        open: async (address, given) => (await import('./build-context.ts')).openBuildContext(address, given),
        agents: async (given) => (await import('./ssh-agents.ts')).agentSockets(given),
        named: async (name, source, on) => (await import('./build-inputs.ts')).readSource(name, source, async () => on),
      },
      runProvider: async (call) => (await import('./run-provider.ts')).runProvider(call),
      modelRunner: async (environment) => (await import('./model-runner.ts')).dockerModelRunner(environment),
      signal: this.signal,
      kill: this.kill,
    };
  }

  /** Runs a verb with a session; the terminal is put back in order whatever happens. */
  protected async inSession<T>(options: SessionOptions, verb: (session: OpenSession) => Promise<T>): Promise<T> {
    const session = await this.session(options);
    try {
      return await verb(session);
    } finally {
      session.renderer.finish();
    }
  }

  /** Project first: a mistake in its file is said before an engine is started. */
  protected async engineAndTarget(
    whole = false,
  ): Promise<{ engine: EngineApi; target: Target & { readonly loaded?: Loaded } }> {
    const target = await this.target(whole);
    return { target, engine: await this.engine() };
  }

  protected diagnose(diagnostics: readonly Diagnostic[]): void {
    if (diagnostics.length > 0) process.stderr.write(`${diagnosticsText(diagnostics).join('\n')}\n`);
  }

  protected printPlan(...plans: readonly Plan[]): void {
    const directory = workingDirectory();
    const filled = plans.filter((plan) => plan.length > 0);
    if (filled.length === 0) process.stdout.write('nothing to do\n');
    const loaded = this.#loaded;
    for (const [at, plan] of filled.entries()) {
      if (at > 0) process.stdout.write('\n');
      const told = loaded ? withPlaces(plan, loaded.project, (...path) => loaded.origins.spans(path)) : plan;
      process.stdout.write(renderPlan(told, directory));
    }
  }
}

/** What `.env` says to Compose itself counts as if the shell said it, where the shell is silent. */
function takeOwnVariables(environment: Readonly<Record<string, string | undefined>>): void {
  for (const name of ownVariables) {
    const value = environment[`COMPOSE_${name}`];
    if (value !== undefined) process.env[`COMPOSE_${name}`] ??= value;
  }
}
const ownVariables = ['ANSI', 'PROGRESS', 'PARALLEL_LIMIT', 'STATUS_STDOUT', 'MENU', 'COMPATIBILITY', 'REMOVE_ORPHANS'];

function hushed({ event }: Renderer, kinds: readonly string[]): Renderer['event'] {
  return (happened) => {
    if (!kinds.includes(happened.step.kind)) return event(happened);
    const { output, progress, build } = happened;
    if (output === undefined && progress === undefined && build === undefined) event(happened);
  };
}

/** Kinds of steps that `--quiet-pull` and `--quiet-build` hush. */
export function hushedKinds(flags: {
  readonly 'quiet-pull'?: boolean | undefined;
  readonly 'quiet-build'?: boolean | undefined;
}): string[] {
  return [...(flags['quiet-pull'] ? ['pullImage'] : []), ...(flags['quiet-build'] ? ['buildImage'] : [])];
}

/** Commands on the same engine, by whatever path of its socket, have the same lock. */
function projectLock(globals: ComposeCommand['globals'], id: string | undefined): NonNullable<Session['lock']> {
  const endpoint = resolveEndpoint(globals, process.env);
  const limit = Number(process.env.IECHOR_LOCK_TIMEOUT ?? Number.NaN);
  return {
    endpoint:
      'socketPath' in endpoint && existsSync(endpoint.socketPath)
        ? realpathSync(endpoint.socketPath)
        : endpoint.address,
    command: (id ?? '').replaceAll(':', ' '),
    ...(limit >= 0 && { waitSeconds: limit }),
  };
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new IechorError('BAD_REQUEST', 'the working directory does not exist any more', {
      hint: 'change to one that does, e.g. cd "$PWD"',
      cause,
    });
  }
}

function parallelLimit(): number | undefined {
  const text = process.env.IECHOR_PARALLEL_LIMIT || process.env.COMPOSE_PARALLEL_LIMIT;
  if (!text) return undefined;
  const limit = Number(text);
  if (!Number.isInteger(limit))
    throw new IechorError('USAGE', `COMPOSE_PARALLEL_LIMIT must be an integer (found: "${text}")`);
  return limit > 0 ? limit : undefined;
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
