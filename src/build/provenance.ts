import type { Attesting } from './attesting.ts';
import type { Build } from './build-context.ts';
import { looksSecret } from './lint/file-rules.ts';
import { formatPlatform, hostPlatform } from './platform.ts';

/** What is written of requests by those who ask for it; docs/build.md says so. */
const buildType = 'https://iechor.invalid/provenance/iechorfile/v1';

/**
 * How an image was built, as SLSA provenance. `min` names what it was made of, when and where; `max` also the build
 * file, the target, labels and build arguments, without those whose names are a secret's, and names of secrets.
 */
export function provenanceOf(build: Build, options: Provenance): { predicateType: string; predicate: object } {
  const facts = factsOf(build, options);
  const predicate = options.version === 'v1' ? versionOne(facts) : versionZeroTwo(facts);
  return { predicateType: `https://slsa.dev/provenance/${options.version}`, predicate };
}

type Provenance = NonNullable<Attesting['provenance']>;
type Facts = ReturnType<typeof factsOf>;

function factsOf(build: Build, { mode, builderId, reproducible }: Provenance) {
  const { graph, epoch, id, startedAt, materials } = build;
  const isFull = mode === 'max';
  const moment = epoch === undefined ? undefined : new Date(epoch * 1000).toISOString();
  const data = Buffer.from(graph.file.lines.join('\n')).toString('base64');
  return {
    builderId,
    reproducible,
    isFull,
    source: build.request.source,
    file: graph.file.file,
    request: {
      frontend: 'dockerfile.v0',
      ...(isFull && asked(build)),
      locals: [{ name: 'context' }, { name: 'dockerfile' }],
    },
    platform: formatPlatform(hostPlatform()),
    materials: [...materials.values()]
      .toSorted((a, b) => (a.uri < b.uri ? -1 : 1))
      .map(({ uri, digest }) => ({ uri, digest: digestFields(digest) })),
    invocation: moment === undefined ? id : undefined,
    startedOn: moment ?? startedAt,
    finishedOn: moment ?? new Date().toISOString(),
    metadata: { source: { infos: [{ filename: graph.file.file, language: 'Dockerfile', data }] } },
  };
}

function versionOne(facts: Facts): object {
  const { isFull, source, file, invocation } = facts;
  return {
    buildDefinition: {
      buildType,
      externalParameters: { configSource: { ...(source && { uri: source }), path: file }, request: facts.request },
      internalParameters: { builderPlatform: facts.platform },
      resolvedDependencies: facts.materials,
    },
    runDetails: {
      builder: { id: facts.builderId },
      metadata: {
        ...(invocation !== undefined && { invocationId: invocation }),
        startedOn: facts.startedOn,
        finishedOn: facts.finishedOn,
        buildkit_completeness: { request: isFull, resolvedDependencies: false },
        ...(facts.reproducible && { buildkit_reproducible: true }),
        ...(isFull && { buildkit_metadata: facts.metadata }),
      },
    },
  };
}

/** The older form, which BuildKit wrote for years, and which tools still read. */
function versionZeroTwo(facts: Facts): object {
  const { isFull, source, file, invocation, reproducible } = facts;
  return {
    builder: { id: facts.builderId },
    buildType,
    materials: facts.materials,
    invocation: {
      configSource: { ...(source && { uri: source }), entryPoint: file },
      parameters: facts.request,
      environment: { platform: facts.platform },
    },
    metadata: {
      ...(invocation !== undefined && { buildInvocationID: invocation }),
      buildStartedOn: facts.startedOn,
      buildFinishedOn: facts.finishedOn,
      completeness: { parameters: isFull, environment: true, materials: false },
      reproducible,
      ...(isFull && { 'https://mobyproject.org/buildkit@v1#metadata': facts.metadata }),
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
