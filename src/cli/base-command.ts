import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import type { Input, ParserOutput } from '@oclif/core/interfaces';
import type { EngineApi } from '../api/engine-api.ts';
import { type FlagShape, normalizeArgv } from './argv.ts';
import type { Globals } from './globals.ts';

// biome-ignore lint/suspicious/noExplicitAny: oclif's own constraint, which it does not export
type Output = Record<string, any>;

/** What every command shares: the global flags, the engine it talks to, and the signal of Ctrl-C. */
export abstract class BaseCommand extends Command {
  /** Usage after the command's words, e.g. `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  static synopsis = '[OPTIONS]';
  /** False: flags end at the first argument, so that what follows belongs to the container's command. */
  static interspersed = true;
  /** Exit code where the command line itself is wrong (`run` and `create`: 125). */
  static usageExit = 1;
  /** Exit code of a failure that has none of its own (`run`: 125, since others are the container's). */
  static failureExit = 1;
  readonly globals: Globals;
  readonly #abort = new AbortController();
  #listening = false;

  constructor(argv: string[], config: Config, globals: Globals) {
    super(argv, config);
    this.globals = globals;
    const own = this.constructor as typeof BaseCommand;
    const flags = { ...own.baseFlags, ...own.flags } as Record<string, FlagShape>;
    this.argv = normalizeArgv(argv, flags, { interspersed: own.interspersed });
  }

  /** Runs the command. Resolves with what `run` returns (a number is the exit code), rejects with its error. */
  execute(): Promise<unknown> {
    return this.run();
  }

  /** The engine chosen by -H, IECHOR_HOST or DOCKER_HOST; else our own daemon, started when it is not running. */
  async engine(): Promise<EngineApi> {
    const { connectEngine } = await import('./connect.ts');
    return connectEngine(this.globals, process.env);
  }

  /** Aborted by the first Ctrl-C or SIGTERM; the second ends the process with 130. */
  get signal(): AbortSignal {
    if (!this.#listening) {
      this.#listening = true;
      const interrupt = () => {
        if (this.#abort.signal.aborted) process.exit(130);
        this.#abort.abort();
      };
      process.on('SIGINT', interrupt);
      process.on('SIGTERM', interrupt);
    }
    return this.#abort.signal;
  }

  /**
   * oclif's parse, with the arguments in the order they were given (it sorts them by their first appearance, so that
   * `echo b a b` would become `echo b b a`). An argument that is not given is not read from standard input either: what
   * comes there is the command's own business.
   */
  protected override async parse<F extends Output, B extends Output, A extends Output>(
    options?: Input<F, B, A>,
    argv?: string[],
  ): Promise<ParserOutput<F, B, A>> {
    for (const arg of Object.values(options?.args ?? {})) arg.ignoreStdin = true;
    const parsed = await super.parse(options, argv);
    return { ...parsed, argv: parsed.raw.flatMap((token) => (token.type === 'arg' ? token.input : [])) };
  }

  /** A line of data on standard output. */
  protected print(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}
