import type { EngineApi } from '../api/engine-api.ts';
import type { RegistryAuth } from '../api/types/registry.ts';

type Operations = Pick<EngineApi, 'imageCreate' | 'imagePush' | 'imageSearch' | 'imageBuild' | 'distributionInspect'>;
type Engine = Operations & Pick<EngineApi, 'systemInfo'>;

/**
 * The operations that ask registries, with the user's logins where the caller gives none. Logins are read when they are
 * needed, and sent to the engine only for the registry that the request is about; a build gets all of them.
 */
export function withLogins(engine: Engine, configuration: string | undefined): Operations {
  const logins = async () => {
    const { openLogins } = await import('./credentials.ts');
    return openLogins(configuration, process.env);
  };
  const forName = async (name: string | undefined): Promise<{ registryAuth?: RegistryAuth }> => {
    if (name === undefined) return {};
    const { domainOf } = await import('./default-registry.ts');
    const found = await (await logins()).find(await domainOf(engine, name));
    return found ? { registryAuth: found } : {};
  };
  return {
    imageCreate: async function* (request) {
      yield* engine.imageCreate({ ...(await forName(request.fromImage)), ...request });
    },
    imagePush: async function* (request) {
      yield* engine.imagePush({ ...(await forName(request.name)), ...request });
    },
    imageSearch: async (request) => engine.imageSearch({ ...(await forName(request.term)), ...request }),
    distributionInspect: async (request) =>
      engine.distributionInspect({ ...(await forName(request.name)), ...request }),
    imageBuild: async function* (request) {
      const all = request.registryConfig ?? (await (await logins()).all());
      yield* engine.imageBuild({ ...request, ...(Object.keys(all).length > 0 && { registryConfig: all }) });
    },
  };
}
