import type { EngineApi } from '../api/engine-api.ts';
import { configDirectory, readConfigFields } from './credential-config.ts';

type Operations = Pick<EngineApi, 'containerCreate' | 'imageBuild'>;

/** Keys of Docker's configuration file, and the variable that each stands for. */
const variables: Readonly<Record<string, string>> = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
  ftpProxy: 'FTP_PROXY',
  allProxy: 'ALL_PROXY',
};

/**
 * The operations that make containers and images, with the proxies that Docker's configuration file has for the engine
 * of that address (`unix:///...`), else for all: as variables of a container and arguments of a build, where those are
 * not given otherwise.
 */
export function withProxies(
  engine: Operations,
  { configuration, address }: { readonly configuration: string | undefined; readonly address: string },
): Operations {
  const proxies = () => proxiesIn(readConfigFields(configDirectory(configuration, process.env)).proxies, address);
  return {
    containerCreate: (request) => {
      const { Env = [] } = request.body;
      const given = new Set((Env ?? []).map((entry) => entry.replace(/=.*$/s, '')));
      const more = Object.entries(proxies()).filter(([name]) => !given.has(name));
      if (more.length === 0) return engine.containerCreate(request);
      const all = [...(Env ?? []), ...more.map(([name, value]) => `${name}=${value}`)];
      return engine.containerCreate({ ...request, body: { ...request.body, Env: all } });
    },
    imageBuild: (request) => {
      // A build takes an argument for both of its spellings.
      const given = new Set(Object.keys(request.buildargs ?? {}).map((name) => name.toUpperCase()));
      const found = Object.entries(proxies()).filter(([name]) => !given.has(name.toUpperCase()));
      if (found.length === 0) return engine.imageBuild(request);
      return engine.imageBuild({ ...request, buildargs: { ...Object.fromEntries(found), ...request.buildargs } });
    },
  };
}

/** Variables in upper and lower case, since programs look for either. */
function proxiesIn(field: unknown, address: string): Readonly<Record<string, string>> {
  const byEngine = fieldsOf(field);
  const settings = fieldsOf(byEngine[address] ?? byEngine.default);
  const found = Object.entries(variables).flatMap(([key, name]) => {
    const value = settings[key];
    if (typeof value !== 'string' || value === '') return [];
    return [name, name.toLowerCase()].map((one) => [one, value]);
  });
  return Object.fromEntries(found) as Record<string, string>;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
