import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf, IechorError, isIechorError } from '../common/error.ts';
import { version } from '../common/version.ts';
import type { FetchOci } from '../compose/source/git-reference.ts';
import type { ArtifactFile, PublishOptions } from '../registry/artifact.ts';
import { registryAccess } from './registry-access.ts';

/** What the command line itself uses of registries: projects, not images. Nothing here needs an engine. */
export function artifacts(configuration: string | undefined, signal?: AbortSignal) {
  const optionsFor = (reference: string) => registryAccess(reference, { configuration, signal });
  const fetchOci: FetchOci = async (reference) => {
    const name = reference.slice('oci://'.length);
    try {
      const { fetchProject } = await import('../registry/artifact.ts');
      const { digest, files } = await fetchProject(name, await optionsFor(name));
      return { directory: keep(name, digest, files) };
    } catch (error) {
      if (!isIechorError(error)) throw error;
      return { problem: `${reference}: ${error.message}`, hint: error.hint };
    }
  };
  const publish = async (
    name: string,
    files: readonly ArtifactFile[],
    { ociVersion, images }: { readonly ociVersion: '1.0' | '1.1'; readonly images: readonly string[] },
  ): Promise<string> => {
    const [{ publishProject }, { copyImages }] = await Promise.all([
      import('../registry/artifact.ts'),
      import('../registry/copy-image.ts'),
    ]);
    const created = new Date().toISOString();
    const onCopied = (image: string) => process.stderr.write(` ${image} copied\n`);
    const bringImages: PublishOptions['bringImages'] = (repository, domain) =>
      copyImages(images, repository, { domain, accessTo: optionsFor, onCopied });
    const access = await optionsFor(name);
    const withImages = images.length > 0 ? { bringImages } : {};
    return publishProject(name, files, { ...access, ociVersion, version, created, ...withImages });
  };
  return { fetchOci, publish };
}

/**
 * Puts the files of a project into the cache (XDG_CACHE_HOME/iechor/remote), a directory for each digest. Its compose
 * files become the documents of one.
 */
function keep(name: string, digest: string, files: readonly ArtifactFile[]): string {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'iechor', 'remote');
  const address = createHash('sha256').update(`${name} ${digest}`).digest('hex').slice(0, 32);
  const target = join(cache, `oci-${address}`);
  if (existsSync(target)) return target;
  const main = files.filter(({ kind }) => kind === 'compose').map(({ content }) => content.toString());
  if (main.length === 0) throw new IechorError('ARCHIVE_INVALID', 'the project has no compose file');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache, '.new-'));
  try {
    for (const file of files)
      if (file.kind !== 'compose') writeFileSync(join(scratch, file.name), file.content, { mode: 0o600 });
    writeFileSync(join(scratch, 'compose.yaml'), main.join('\n---\n'), { mode: 0o600 });
    renameSync(scratch, target);
  } catch (error) {
    // Another command was quicker: its files are the same.
    if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}
