import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RegistryAuth } from '../api/types/registry.ts';
import { registryOf, serverOf } from '../registry/names.ts';
import { type AuthEntry, configDirectory, type LoginConfig, noteLogin, readLoginConfig } from './credential-config.ts';
import { fileStore } from './credential-file.ts';
import { type CredentialStore, helperProgram, helperStore, type StoredLogin } from './credential-helper.ts';

/** The user's logins to registries, from Docker's configuration file, its helpers, and our own encrypted file. */
export interface Logins {
  /** The login to a registry (`docker.io`, `host[:port]`); undefined where there is none. */
  find(registry: string): Promise<RegistryAuth | undefined>;
  /** All logins, by server. */
  all(): Promise<Readonly<Record<string, RegistryAuth>>>;
  /** Keeps a login. Resolves with where: the name of a helper, or a file. */
  keep(registry: string, login: StoredLogin): Promise<string>;
  /** True where there was one. */
  forget(registry: string): Promise<boolean>;
}

/** The user name with which helpers keep identity tokens. */
export const tokenUser = '<token>';
/** Helpers that are used without being configured, where they and what they need are there. */
const preferred = ['secretservice', 'pass'];

export function openLogins(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Logins {
  const directory = configDirectory(given, environment);
  const own = fileStore(directory);
  const storeNamed = (name: string): CredentialStore => (name === 'file' ? own : helperStore(name));
  const configured = (config: LoginConfig, server: string): string | undefined =>
    config.credHelpers[server] ?? config.credHelpers[registryOf(server)] ?? config.credsStore;
  const find = async (registry: string, config = readLoginConfig(directory)): Promise<RegistryAuth | undefined> => {
    const server = serverOf(registry);
    const name = configured(config, server);
    const kept = name === undefined ? undefined : await storeNamed(name).get(server);
    if (kept) return authOf(server, kept);
    const [, entry] = Object.entries(config.auths).find(([key]) => registryOf(key) === registry) ?? [];
    if (entry && saysSomething(entry)) return { ...entry, serveraddress: server };
    if (name === 'file') return undefined;
    const ours = await own.get(server);
    return ours && authOf(server, ours);
  };
  return {
    find: (registry) => find(registry),
    all: async () => {
      const config = readLoginConfig(directory);
      const kept = config.credsStore === undefined ? {} : await storeNamed(config.credsStore).list();
      const servers = [...Object.keys(config.auths), ...Object.keys(config.credHelpers), ...Object.keys(kept)];
      const registries = new Set([...servers, ...Object.keys(await own.list())].map(registryOf));
      const found = await Promise.all(
        [...registries].map(async (one) => [serverOf(one), await find(one, config)] as const),
      );
      return Object.fromEntries(found.flatMap(([server, auth]) => (auth ? [[server, auth]] : [])));
    },
    keep: async (registry, login) => {
      const server = serverOf(registry);
      const name = configured(readLoginConfig(directory), server) ?? detected(environment) ?? 'file';
      await storeNamed(name).store(server, login);
      noteLogin(directory, server, true);
      return name === 'file' ? `${directory}/iechor-credentials (encrypted)` : `the credential helper ${name}`;
    },
    forget: async (registry) => {
      const config = readLoginConfig(directory);
      const there = (await find(registry, config)) !== undefined;
      const server = serverOf(registry);
      const names = [configured(config, server), detected(environment)].filter((name) => name !== undefined);
      for (const name of new Set([...names, 'file'])) await storeNamed(name).erase(server);
      for (const key of Object.keys(config.auths)) {
        if (registryOf(key) === registry) noteLogin(directory, key, false);
      }
      return there;
    },
  };
}

const saysSomething = (entry: AuthEntry): boolean =>
  Boolean(entry.auth || entry.username || entry.identitytoken || entry.registrytoken);

function authOf(server: string, { username, secret }: StoredLogin): RegistryAuth {
  if (username === tokenUser) return { identitytoken: secret, serveraddress: server };
  return { username, password: secret, serveraddress: server };
}

/** A helper that can work here: the desktop's keyring with a session, `pass` with a store. */
function detected(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const usable: Readonly<Record<string, boolean>> = {
    secretservice: Boolean(
      environment.DBUS_SESSION_BUS_ADDRESS && (environment.DISPLAY || environment.WAYLAND_DISPLAY),
    ),
    pass: existsSync(join(environment.PASSWORD_STORE_DIR || join(homedir(), '.password-store'), '.gpg-id')),
  };
  return preferred.find((name) => usable[name] && helperProgram(name, environment.PATH) !== undefined);
}
