import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { IechorError } from '../common/error.ts';

/** A login as a helper keeps it; the user name `<token>` says that the secret is an identity token. */
export interface StoredLogin {
  readonly username: string;
  readonly secret: string;
}

/** Where logins are kept: a helper program, or our own file. Keys are server addresses as Docker writes them. */
export interface CredentialStore {
  get(server: string): Promise<StoredLogin | undefined>;
  store(server: string, login: StoredLogin): Promise<void>;
  /** Idempotent. */
  erase(server: string): Promise<void>;
  /** User names by server. */
  list(): Promise<Readonly<Record<string, string>>>;
}

const maxOutputBytes = 1024 * 1024;

/** The program of a helper: ours by that name, else Docker's. Undefined where neither is in PATH. */
export function helperProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return undefined;
  for (const program of [`iechor-credential-${name}`, `docker-credential-${name}`]) {
    for (const directory of path.split(delimiter).filter((one) => one.startsWith('/'))) {
      if (isProgram(join(directory, program))) return join(directory, program);
    }
  }
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A helper by Docker's protocol: the action is its argument, everything else goes through its standard input. Throws
 * CREDENTIALS for what it says of a failure.
 */
export function helperStore(name: string): CredentialStore {
  const call = async (action: string, input: string): Promise<{ ok: boolean; output: string }> => {
    const program = helperProgram(name);
    if (program === undefined) {
      throw new IechorError('CREDENTIALS', `there is no credential helper "${name}"`, {
        hint: `install docker-credential-${name}, or take it out of the configuration`,
      });
    }
    return run(program, action, input);
  };
  const failed = (action: string, output: string) =>
    new IechorError('CREDENTIALS', `the credential helper "${name}" cannot ${action}: ${oneLine(output)}`);
  return {
    get: async (server) => {
      const { ok, output } = await call('get', server);
      if (!ok) {
        if (/not found/i.test(output)) return undefined;
        throw failed('read a login', output);
      }
      const { Username, Secret } = parse(name, output);
      if (typeof Secret !== 'string' || Secret === '') return undefined;
      return { username: typeof Username === 'string' ? Username : '', secret: Secret };
    },
    store: async (server, { username, secret }) => {
      const { ok, output } = await call(
        'store',
        JSON.stringify({ ServerURL: server, Username: username, Secret: secret }),
      );
      if (!ok) throw failed('keep the login', output);
    },
    erase: async (server) => {
      const { ok, output } = await call('erase', server);
      if (!ok && !/not found/i.test(output)) throw failed('remove the login', output);
    },
    list: async () => {
      const { ok, output } = await call('list', '');
      if (!ok) return {};
      const entries = Object.entries(parse(name, output)).filter(([, user]) => typeof user === 'string');
      return Object.fromEntries(entries) as Record<string, string>;
    },
  };
}

const oneLine = (text: string): string => text.trim().split('\n')[0]?.slice(0, 300) ?? '';

function parse(name: string, output: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(output);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Not shown: it may hold a secret.
  }
  throw new IechorError('CREDENTIALS', `the credential helper "${name}" answers with something that is no JSON object`);
}

function run(program: string, action: string, input: string): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    // What it asks for it asks on the terminal, or by windows of its own.
    const child = spawn(program, [action], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdin.on('error', () => {});
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (output.length > maxOutputBytes) child.kill('SIGKILL');
    });
    child.on('error', (cause) =>
      reject(new IechorError('CREDENTIALS', `${program} cannot be run: ${cause.message}`, { cause })),
    );
    child.on('close', (status) => resolve({ ok: status === 0, output }));
    child.stdin.end(input);
  });
}
