import { readdirSync } from 'node:fs';
import { IechorError } from '../common/error.ts';
import { readInRoot } from '../host/rooted.ts';
import type { SbomGenerator } from './attesting.ts';
import type { Build } from './build-context.ts';
import type { StageState } from './stage-state.ts';

/** What a generator says: the parts of an in-toto statement that are its own. */
export interface Finding {
  readonly predicateType: string;
  readonly predicate: object;
}

const source = '/run/src/core/sbom';
const destination = '/run/out';
/** Of all that a generator writes. */
const maxBytes = 32 * 1024 * 1024;
const maxFiles = 100;

/**
 * Lets an image say what software the result has, by BuildKit's protocol for SBOM generators: it finds the result's
 * files, read-only, at BUILDKIT_SCAN_SOURCE and writes statements to BUILDKIT_SCAN_DESTINATION. It runs confined as a
 * step does, and nothing of it stays. Throws BUILD_FAILED.
 */
export async function findingsOf(build: Build, state: StageState, generator: SbomGenerator): Promise<Finding[]> {
  const { parts, request, signal } = build;
  const { pull = false, logins } = request;
  const { chain, config } = await parts.bases.resolve(generator.image, { pull, logins, signal });
  const { Entrypoint, Cmd, Env, WorkingDir } = config.config ?? {};
  const args = [...(Entrypoint ?? []), ...(Cmd ?? [])];
  if (args.length === 0) throw failed(generator, 'has no command');
  build.emit({ stream: `[Attestation] generating sbom using ${generator.image}\n` });
  await build.caches.current.bring(state.chain);
  const id = `build-${build.id}-sbom`;
  const written = build.scratch.newDir('large');
  await parts.snapshotter.prepare(id, chain.at(-1));
  try {
    const rootfs = build.scratch.mount(parts.snapshotter.mount(id));
    const decoder = new TextDecoder();
    const run = {
      ...{ id, rootfs, args, cwd: WorkingDir || '/', user: '', network: request.networkMode || 'default' },
      env: [...(Env ?? []), ...scanVariables(generator)],
      mounts: [
        { type: 'bind' as const, source: build.scratch.viewOf(state.chain.at(-1)), target: source, readOnly: true },
        { type: 'bind' as const, source: written, target: destination, readOnly: false },
        { type: 'tmpfs' as const, source: '', target: '/tmp', readOnly: false },
      ],
      extraHosts: request.extraHosts ?? [],
      ...(request.memoryBytes !== undefined && { memoryBytes: request.memoryBytes }),
    };
    const onOutput = (_: string, data: Uint8Array) => build.emit({ stream: decoder.decode(data, { stream: true }) });
    try {
      const exit = await parts.limit.run(() => parts.sandbox.run(run, onOutput, signal));
      if (exit !== 0) throw failed(generator, `ended with exit code ${exit}`);
    } finally {
      build.scratch.unmount(rootfs);
    }
  } finally {
    await parts.snapshotter.remove(id);
  }
  signal.throwIfAborted();
  return readFindings(written, generator);
}

const scanVariables = ({ parameters }: SbomGenerator): string[] => [
  `BUILDKIT_SCAN_DESTINATION=${destination}/`,
  `BUILDKIT_SCAN_SOURCE=${source}`,
  ...Object.entries(parameters).map(([name, value]) => `BUILDKIT_SCAN_${name}=${value}`),
];

/** The statements in regular files of a directory, in the order of their names. What else is there is not looked at. */
function readFindings(directory: string, generator: SbomGenerator): Finding[] {
  const names = readdirSync(directory).sort();
  if (names.length > maxFiles) throw failed(generator, `wrote more than ${maxFiles} files`);
  let left = maxBytes;
  const findings = names.flatMap((name) => {
    if (!name.endsWith('.json')) return [];
    const text = readInRoot(directory, name, left);
    if (text === undefined)
      throw failed(generator, `wrote ${name}, which is no regular file of at most ${maxBytes} bytes`);
    left -= Buffer.byteLength(text);
    return [findingIn(text, { name, generator })];
  });
  if (findings.length === 0) throw failed(generator, `wrote no statement (*.json) to ${destination}`);
  return findings;
}

function findingIn(text: string, { name, generator }: { name: string; generator: SbomGenerator }): Finding {
  let statement: unknown;
  try {
    statement = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { predicateType, predicate } = (statement ?? {}) as { readonly [K in keyof Finding]?: unknown };
  if (typeof predicateType !== 'string' || typeof predicate !== 'object' || predicate === null)
    throw failed(generator, `wrote ${name}, which is no in-toto statement`);
  return { predicateType, predicate };
}

const failed = ({ image }: SbomGenerator, what: string): IechorError =>
  new IechorError('BUILD_FAILED', `the SBOM generator ${image} ${what}`, {
    hint: "--sbom=true uses the engine's own scanner",
  });
