import type { Attesting } from './attesting.ts';
import type { Build } from './build-context.ts';
import { looksSecret } from './lint/file-rules.ts';
import { formatPlatform, hostPlatform } from './platform.ts';

/** What is written of requests by those who ask for it; docs/build.md says so. */
const buildType = 'https://iechor.invalid/provenance/iechorfile/v1';

/**
 * How an image was built, as SLSA provenance v1. `min` names what it was made of, when and where; `max` also the build
 * file, the target, labels and build arguments, without those whose names are a secret's, and names of secrets.
 */
export function provenanceOf(build: Build, options: NonNullable<Attesting['provenance']>): object {
  const { graph, epoch, id, startedAt, materials } = build;
  const full = options.mode === 'max';
  const moment = epoch === undefined ? undefined : new Date(epoch * 1000).toISOString();
  const source = Buffer.from(graph.file.lines.join('\n')).toString('base64');
  const infos = [{ filename: graph.file.file, language: 'Dockerfile', data: source }];
  return {
    buildDefinition: {
      buildType,
      externalParameters: {
        configSource: { ...(build.request.source && { uri: build.request.source }), path: graph.file.file },
        request: {
          frontend: 'dockerfile.v0',
          ...(full && asked(build)),
          locals: [{ name: 'context' }, { name: 'dockerfile' }],
        },
      },
      internalParameters: { builderPlatform: formatPlatform(hostPlatform()) },
      resolvedDependencies: [...materials.values()]
        .toSorted((a, b) => (a.uri < b.uri ? -1 : 1))
        .map(({ uri, digest }) => ({ uri, digest: digestFields(digest) })),
    },
    runDetails: {
      builder: { id: options.builderId },
      metadata: {
        ...(moment === undefined && { invocationId: id }),
        startedOn: moment ?? startedAt,
        finishedOn: moment ?? new Date().toISOString(),
        buildkit_completeness: { request: full, resolvedDependencies: false },
        ...(options.reproducible && { buildkit_reproducible: true }),
        ...(full && { buildkit_metadata: { source: { infos } } }),
      },
    },
  };
}

function digestFields(digest: string): Record<string, string> {
  const [algorithm = '', value] = digest.split(':');
  return value === undefined ? { sha1: algorithm } : { [algorithm]: value };
}

function asked({ request }: Build): object {
  const given = Object.entries(request.buildArgs ?? {}).filter(([name, value]) => value !== null && !looksSecret(name));
  const args = {
    ...Object.fromEntries(given.map(([name, value]) => [`build-arg:${name}`, value])),
    ...Object.fromEntries(Object.entries(request.labels ?? {}).map(([name, value]) => [`label:${name}`, value])),
    ...(request.target && { target: request.target }),
    ...(request.platform && { platform: request.platform }),
  };
  const secrets = Object.keys(request.secrets ?? {}).map((id) => ({ id }));
  const ssh = Object.keys(request.ssh ?? {}).map((id) => ({ id }));
  return { args, ...(secrets.length > 0 && { secrets }), ...(ssh.length > 0 && { ssh }) };
}
