import { createReadStream, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { IechorError, messageOf } from '../common/error.ts';
import type { Roots } from '../common/roots.ts';
import { readIfThere } from '../host/files.ts';
import { run } from '../host/spawn.ts';
import { type AptSource, readAptSources } from './apt-sources.ts';
import { type Archive, dpkgOptions, finishScript, servicePolicy } from './bootstrap-script.ts';
import { type Release, releaseOf } from './distributions.ts';
import type { ImageStore } from './image-port.ts';
import { familiar, formatReference, parseReference } from './reference.ts';
import { encodeHeader, paddingOf } from './tar-format.ts';
import { removeInBackground } from './tar-diff.ts';
import type { ImageRecord } from './types.ts';

export interface BootstrapOptions {
  /** `debian:bookworm-slim`; the image gets this name. */
  readonly reference: string;
  /** URL of the package archive. Default: the host's own, where it has the release; else the distribution's. */
  readonly mirror?: string | undefined;
  /** The archive's public keys, binary or in ASCII armour; default: the host's. */
  readonly keyring?: Buffer | undefined;
  readonly images: ImageStore;
  readonly roots: Roots;
  /** Receives a sentence per stage. */
  readonly onProgress: (status: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Makes a base image from a distribution's packages by mmdebstrap, configured as the official images are. The same
 * packages give the same image, byte for byte. Throws NOT_SUPPORTED, HOST_UNSUPPORTED, REGISTRY_UNREACHABLE.
 */
export async function bootstrap(options: BootstrapOptions): Promise<ImageRecord> {
  const { images, onProgress } = options;
  const reference = parseReference(options.reference);
  const release = releaseOf(reference);
  const archives = archivesOf(release, options.mirror, hostSources(release));
  if (options.keyring === undefined && readIfThere(release.keyring) === undefined) {
    throw new IechorError('HOST_UNSUPPORTED', `the keys of ${release.distribution}'s archive are not on this machine`, {
      hint: `apt-get install ${release.keyringPackage}, where it is to be had; else give the file that it holds: --keyring FILE`,
    });
  }
  const name = familiar(formatReference(reference));
  onProgress(`Making ${name} from the packages of ${archives.map(({ uri }) => uri).join(' and ')}`);
  const temporary = join(options.roots.dataRoot, 'tmp');
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const work = mkdtempSync(join(temporary, 'bootstrap-'));
  const done = images.hold();
  try {
    const { keyring, signal } = options;
    const { tar, epoch } = await makeRootfs({ release, archives, work, keyring, onProgress, signal });
    onProgress('Storing the layer');
    const layer = await images.addRootfs(Readable.from(withPolicy(tar), { objectMode: false }), {
      newestSeconds: epoch,
      signal: options.signal,
    });
    const created = new Date(epoch * 1000).toISOString();
    const image = await images.create(
      {
        created,
        architecture: architectures[process.arch] ?? process.arch,
        os: 'linux',
        config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['bash'] },
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
        history: [{ created, created_by: `iechor image bootstrap ${name}`, comment: `packages of ${release.suite}` }],
      },
      [layer.chainId],
    );
    images.tag(image.id, options.reference);
    onProgress(`${name} is ${image.id}`);
    return image;
  } finally {
    done();
    await removeInBackground(work);
  }
}

/** The archive, with the file that mmdebstrap takes away from us in the end. */
async function* withPolicy(tar: string): AsyncGenerator<Buffer> {
  const content = Buffer.from(servicePolicy);
  yield encodeHeader({
    name: 'usr/sbin/policy-rc.d',
    type: 'file',
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: content.length,
    mtimeNs: 0n,
    linkName: '',
    major: 0,
    minor: 0,
    xattrs: new Map(),
  });
  yield content;
  yield Buffer.alloc(paddingOf(content.length));
  yield* createReadStream(tar, { highWaterMark: 256 * 1024 });
}

/** Sources of the host's own packages, where it runs the same distribution. */
function hostSources(release: Release): readonly AptSource[] {
  const id = /^ID="?([a-z]+)"?$/m.exec(readIfThere('/etc/os-release') ?? '')?.[1];
  return id === release.distribution ? readAptSources() : [];
}

/** The archives to use: a mirror named by the user alone, else the host's, else the distribution's. */
export function archivesOf(
  release: Release,
  mirror: string | undefined,
  host: readonly AptSource[],
): readonly Archive[] {
  const { suite, updates, security } = release;
  if (mirror !== undefined) {
    if (!/^https?:\/\/[^\s'"\\]+$/.test(mirror)) {
      throw new IechorError('BAD_REQUEST', `not the URL of a mirror: ${mirror}`, {
        hint: 'give one such as http://deb.debian.org/debian',
      });
    }
    return [{ uri: mirror.replace(/\/+$/, ''), suites: [suite, ...updates] }];
  }
  const hosts = (wanted: string) =>
    host.find((source) => source.suite === wanted && /^https?:\/\//.test(source.uri))?.uri.replace(/\/+$/, '');
  const main = { uri: hosts(suite) ?? release.mirror, suites: [suite, ...updates] };
  if (security === undefined) return [main];
  return [main, { uri: hosts(security) ?? release.securityMirror, suites: [security] }];
}

interface MakeOptions {
  readonly release: Release;
  readonly archives: readonly Archive[];
  readonly work: string;
  readonly keyring: Buffer | undefined;
  readonly onProgress: (status: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function makeRootfs(options: MakeOptions): Promise<{ tar: string; epoch: number }> {
  const { release, archives, work, signal, keyring } = options;
  const at = (name: string) => join(work, name);
  writeFileSync(at('finish.sh'), finishScript({ release, archives, epochFile: at('epoch') }), { mode: 0o700 });
  writeFileSync(at('began'), '');
  // apt tells the two forms apart by the name.
  const given = keyring && at(keyring.includes('-----BEGIN') ? 'keys.asc' : 'keys.gpg');
  if (given) writeFileSync(given, keyring);
  const secure = archives.some(({ uri }) => uri.startsWith('https:'));
  const log = followLog(at('log'), options.onProgress);
  try {
    // In namespaces of its own, so that its mounts and all its processes end with it, however it ends.
    await run(
      'unshare',
      [
        ...['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'mmdebstrap', '--mode=root'],
        '--variant=minbase',
        '--format=tar',
        `--logfile=${at('log')}`,
        ...(secure ? ['--include=ca-certificates'] : []),
        // Nobody but root reads what lies in the data root.
        ...(given ? ['--aptopt=APT::Sandbox::User "root"'] : []),
        ...dpkgOptions(release).map((option) => `--dpkgopt=${option}`),
        `--customize-hook=${at('finish.sh')} "$1" ${at('began')}`,
        release.suite,
        at('rootfs.tar'),
        ...archives.flatMap(({ uri, suites }) =>
          suites.map(
            (suite) => `deb [signed-by=${given ?? release.keyring}] ${uri} ${suite} ${release.components.join(' ')}`,
          ),
        ),
      ],
      { env: { ...environment(), TMPDIR: work }, ...(signal && { signal }) },
    );
  } catch (error) {
    throw explained(error, readIfThere(at('log')) ?? '', options);
  } finally {
    log.stop();
  }
  return { tar: at('rootfs.tar'), epoch: Number(readFileSync(at('epoch'), 'utf8')) };
}

/** Nothing of the daemon's environment but the way to the network. */
function environment(): Record<string, string> {
  const proxies = Object.entries(process.env).filter(([key]) => /^(?:https?|ftp|no)_proxy$/i.test(key));
  const found = proxies.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    ...Object.fromEntries(found),
  };
}

/** Passes on mmdebstrap's own messages as they are written. */
function followLog(path: string, onProgress: (status: string) => void): { stop(): void } {
  let seen = 0;
  const look = () => {
    const lines = (readIfThere(path) ?? '').split('\n').slice(0, -1);
    for (const line of lines.slice(seen)) if (line.startsWith('I: ')) onProgress(line.slice(3));
    seen = lines.length;
  };
  const timer = setInterval(look, 300);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      look();
    },
  };
}

function explained(error: unknown, log: string, options: MakeOptions): unknown {
  const { release, archives, signal } = options;
  if (signal?.aborted) return error;
  const from = archives.map(({ uri }) => uri).join(', ');
  if (/failed to execute mmdebstrap/.test(messageOf(error))) {
    return new IechorError('HOST_UNSUPPORTED', 'mmdebstrap is not installed', {
      hint: 'apt-get install mmdebstrap',
      cause: error,
    });
  }
  if (/404 +Not Found|does not have a Release file/.test(log)) {
    return new IechorError('NOT_SUPPORTED', `there is no release ${release.suite} at ${from}`, {
      hint: 'name another release, or a mirror that has it: --mirror URL',
      cause: error,
    });
  }
  if (
    /Could not (?:resolve|connect)|Temporary failure|Connection (?:refused|failed|timed out)|Unable to connect/.test(
      log,
    )
  ) {
    return new IechorError('REGISTRY_UNREACHABLE', `the package archive cannot be reached: ${from}`, {
      hint: 'check the network, or name another mirror: --mirror URL',
      cause: error,
    });
  }
  const lines = log.split('\n').filter((line) => /^E: /.test(line));
  return new IechorError('HOST_COMMAND_FAILED', `mmdebstrap failed: ${lines.at(0)?.slice(3) ?? messageOf(error)}`, {
    hint: 'the packages of the release could not be installed; its whole log is the cause of this error',
    cause: Object.assign(new Error(log), { cause: error }),
  });
}
