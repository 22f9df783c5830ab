import type { Project, Service } from '../model/project.ts';

/** What a service with `use_api_socket` gets. */
export interface ApiSocket {
  /** Of the engine, on its own machine. */
  readonly path: string;
  /** The user's logins, as Docker's configuration file holds them. */
  readonly configuration: string;
}

const inside = '/var/run/docker.sock';
const directory = '/run/secrets/docker';
const configName = '#apisocket';

export const wantsApiSocket = (project: Project): boolean =>
  Object.values(project.services).some((service) => service.use_api_socket === true);

/**
 * The engine's socket at Docker's place in the services that ask for it, with the logins beside it unless they set
 * DOCKER_CONFIG themselves: names and places are Docker Compose's. Pure.
 */
export function withApiSocket(project: Project, socket: ApiSocket): Project {
  const services = Object.entries(project.services).map(([name, service]): [string, Service] => [
    name,
    service.use_api_socket ? withSocket(service, socket.path) : service,
  ]);
  const config = { name: `${project.name}_${configName}`, content: socket.configuration };
  return { ...project, services: Object.fromEntries(services), configs: { ...project.configs, [configName]: config } };
}

function withSocket(service: Service, path: string): Service {
  const own = Object.hasOwn(service.environment ?? {}, 'DOCKER_CONFIG');
  const volume = { type: 'bind', source: path, target: inside, bind: { create_host_path: false } } as const;
  return {
    ...service,
    volumes: [...(service.volumes ?? []), volume],
    ...(!own && {
      environment: { ...service.environment, DOCKER_CONFIG: directory },
      configs: [...(service.configs ?? []), { source: configName, target: `${directory}/config.json`, mode: 0o400 }],
    }),
  };
}
