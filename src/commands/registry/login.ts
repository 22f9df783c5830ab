import type { EngineApi } from '../../api/engine-api.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { IechorError, isIechorError } from '../../common/error.ts';

export default class Login extends BaseCommand {
  static override summary = 'Log in to a registry';
  static override synopsis = '[OPTIONS] [SERVER]';
  static override args = { server: Args.string() };
  static override flags = {
    username: Flags.string({ char: 'u', summary: 'User name' }),
    password: Flags.string({ char: 'p', summary: 'Password or token; others on this machine can see it' }),
    'password-stdin': Flags.boolean({ summary: 'Read the password from standard input' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Login);
    const { openLogins } = await import('../../cli/credentials.ts');
    const { readLogin, registryOf, serverOf, tokenLogin } = await import('../../cli/login.ts');
    const { defaultRegistryOf } = await import('../../cli/default-registry.ts');
    const engine = await this.engine();
    const registry = args.server ? registryOf(args.server) : await defaultRegistryOf(engine);
    const logins = openLogins(this.globals.config, process.env);
    if (flags.password !== undefined && !flags['password-stdin']) {
      process.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    }
    const known = flags.username || flags['password-stdin'] ? undefined : await logins.find(registry);
    if (known && (await this.#stillGood(engine, known))) return;
    const given = await readLogin({
      ...{ username: flags.username, password: flags.password, passwordStdin: flags['password-stdin'] },
      suggested: known?.username,
    });
    const body = { ...given, serveraddress: args.server ?? serverOf(registry) };
    const { Status, IdentityToken } = await engine.systemAuth({ body, signal: this.signal });
    const { username, password } = given;
    const kept = await logins.keep(
      registry,
      IdentityToken ? tokenLogin(IdentityToken) : { username, secret: password },
    );
    process.stderr.write(`The login is kept in ${kept}.\n`);
    this.print(Status || 'Login Succeeded');
  }

  /** A login from an earlier time is tried first. */
  async #stillGood(engine: EngineApi, known: { username?: string; identitytoken?: string }): Promise<boolean> {
    process.stderr.write('Authenticating with existing credentials...\n');
    try {
      const { Status } = await engine.systemAuth({ body: known, signal: this.signal });
      this.print(Status || 'Login Succeeded');
      return true;
    } catch (error) {
      if (!isIechorError(error) || !['REGISTRY_DENIED', 'ENGINE_ERROR'].includes(error.code)) throw error;
      if (!process.stdin.isTTY) {
        throw new IechorError('REGISTRY_DENIED', 'the login that is kept is not accepted any more', {
          hint: 'log in with --username and --password-stdin',
        });
      }
      process.stderr.write('Login did not succeed, error: it is not accepted any more\n');
      return false;
    }
  }
}
