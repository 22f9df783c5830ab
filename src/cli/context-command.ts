import { BaseCommand } from './base-command.ts';
import { type Context, currentContext, listContexts, readContext } from './contexts.ts';
import { configDirectory } from './credential-config.ts';
import { resolveEndpoint } from './endpoint.ts';

/** What the commands for contexts share: where they are kept, and the one that is always there. */
export abstract class ContextCommand extends BaseCommand {
  protected get directory(): string {
    return configDirectory(this.globals.config, process.env);
  }

  /** Name of the context in use, by flag, environment or `context use`. */
  protected get current(): string {
    return this.globals.context ?? currentContext(this.directory, process.env);
  }

  protected context(name: string): Context {
    return name === 'default' ? this.#own() : readContext(this.directory, name);
  }

  protected contexts(): Context[] {
    return [this.#own(), ...listContexts(this.directory)];
  }

  /** What is used without a context: -H, IECHOR_HOST, DOCKER_HOST, else the own engine. */
  #own(): Context {
    const { host, tls, config } = this.globals;
    const globals = { ...(host && { host }), ...(tls && { tls }), ...(config && { config }) };
    const { address } = resolveEndpoint(globals, { ...process.env, IECHOR_CONTEXT: 'default' });
    const none = '<IN MEMORY>';
    const description = 'The engine that -H, IECHOR_HOST and DOCKER_HOST name, else the one of this machine';
    return { name: 'default', description, host: address, metaDirectory: none, tlsDirectory: none };
  }
}
