import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { codeOf } from '../../../src/common/error.ts';
import { loadImages } from '../../../src/image/archive-load.ts';
import { digestOf } from '../../../src/image/digest.ts';
import { createWorkbench, streamOf, tarball, type Workbench } from './support.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: hostile layouts: needs root rights');
(isRoot ? describe : describe.skip)('layouts that lie', () => {
  let bench: Workbench;
  let dir: string;
  beforeAll(() => {
    bench = createWorkbench();
  });
  afterAll(() => bench.dispose());
  beforeEach(() => {
    dir = mkdtempSync(join(bench.dir, 'layout-'));
    mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  });

  const blob = (content: string | Buffer, mediaType: string) => {
    const digest = digestOf(content);
    writeFileSync(join(dir, 'blobs/sha256', digest.slice(7)), content);
    return { mediaType, digest, size: Buffer.byteLength(content) };
  };
  const json = (value: unknown, mediaType: string) => blob(JSON.stringify(value), mediaType);
  const layer = tarball([{ name: 'file', content: 'x' }]);
  const good = () => ({
    schemaVersion: 2,
    mediaType: manifestType,
    config: json(
      { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } },
      configType,
    ),
    layers: [blob(layer, layerType)],
  });
  const load = async (...manifests: object[]) => {
    writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    const tar = execFileSync('tar', ['-c', '-C', dir, '.'], { maxBuffer: 1e9 });
    rmSync(dir, { recursive: true });
    const roots = { dataRoot: bench.dir, execRoot: bench.dir, scope: 'ffffffff' };
    const code = await loadImages(streamOf(tar), { images: bench.images, roots }).then(
      (images) => `loaded ${images.length}`,
      (error: unknown) => codeOf(error),
    );
    expect(readdirSync(join(bench.dir, 'tmp'))).toEqual([]);
    return code;
  };

  test('a good one is loaded, and what builders say beside it is left alone', async () => {
    const platform = { os: 'unknown', architecture: 'unknown' };
    const attestation = json({ ...good(), annotations: { a: 'statement' } }, manifestType);
    expect(await load(json(good(), manifestType), { ...attestation, platform })).toBe('loaded 1');
  });

  test('digests that are none reach no path', async () => {
    const config = { ...good().config, digest: 'sha256:../../../etc/passwd' };
    expect(await load(json({ ...good(), config }, manifestType))).toBe('ARCHIVE_INVALID');
    mkdirSync(dir);
    expect(await load({ mediaType: manifestType, digest: 'sha256:../x', size: 1 })).toBe('ARCHIVE_INVALID');
  });

  test('a config that names other layers, or more of them, is refused', async () => {
    const rootfs = (ids: string[]) => ({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: ids },
    });
    const other = json(rootfs([digestOf('other')]), configType);
    expect(await load(json({ ...good(), config: other }, manifestType))).toBe('DIGEST_MISMATCH');
    mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(dir, 'oci-layout'), '{}');
    const more = json(rootfs([digestOf(layer), digestOf(layer)]), configType);
    expect(await load(json({ ...good(), config: more }, manifestType))).toBe('ARCHIVE_INVALID');
  });

  test('a document that is a manifest and an index, one of schema 1, and one without end are refused', async () => {
    expect(await load(json({ ...good(), manifests: [] }, manifestType))).toBe('ARCHIVE_INVALID');
    for (const document of [
      { schemaVersion: 1, fsLayers: [] },
      { schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
    ]) {
      mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
      writeFileSync(join(dir, 'oci-layout'), '{}');
      expect(await load(json(document, manifestType))).toBe('ARCHIVE_INVALID');
    }
    mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(dir, 'oci-layout'), '{}');
    expect(await load(blob(' '.repeat(5 * 1024 * 1024), manifestType))).toBe('ARCHIVE_INVALID');
  });

  test('indexes in indexes end at a depth', async () => {
    const platform = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };
    let top: object = json(good(), manifestType);
    for (let depth = 0; depth < 8; depth++) {
      top = json({ schemaVersion: 2, mediaType: indexType, manifests: [{ ...top, platform }], depth }, indexType);
    }
    expect(await load(top)).toBe('IMAGE_NOT_FOUND');
  });

  test('links in the archive lead to no file of the machine', async () => {
    const other = tarball([{ name: 'other' }]);
    const rootfs = { type: 'layers', diff_ids: [digestOf(other)] };
    const config = json({ architecture: 'amd64', os: 'linux', rootfs }, configType);
    const manifest = { ...good(), config, layers: [blob(other, layerType)] };
    const name = join(dir, 'blobs/sha256', digestOf(other).slice(7));
    rmSync(name);
    symlinkSync('/etc/passwd', name);
    expect(await load(json(manifest, manifestType))).toBe('ARCHIVE_INVALID');
  });
});
