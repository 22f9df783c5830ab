import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mountsBelow } from '../../src/host/mount.ts';
import { type DockerRegistry, registryProgram, startDockerRegistry } from '../support/docker-registry.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

interface Listed {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Document {
  readonly mediaType?: string;
  readonly manifests?: readonly Listed[];
  readonly layers?: readonly Listed[];
  readonly annotations?: Readonly<Record<string, string>>;
}

describeWithContainers('builds and registries', () => {
  if (!registryProgram) {
    test.skip('this machine lacks docker-registry', () => {});
    return;
  }
  let one: PrivateEngine;
  let other: PrivateEngine;
  let registry: DockerRegistry;
  beforeAll(async () => {
    [one, other] = [createPrivateEngine(), createPrivateEngine()];
    registry = await startDockerRegistry(join(one.dir, 'registry'));
    importBusybox(one);
    const base = `${registry.host}/busybox:latest`;
    one.iechor(['tag', 'busybox', base]);
    one.iechor(['push', base]);
    other.iechor(['pull', base]);
    other.iechor(['tag', base, 'busybox']);
    mkdirSync(join(one.dir, 'ctx'));
    const lines = [
      'FROM busybox AS made',
      'RUN head -c 99 /dev/urandom > /r',
      'FROM busybox',
      'COPY --from=made /r /r',
    ];
    writeFileSync(join(one.dir, 'ctx/iEchorfile'), `${lines.join('\n')}\nRUN md5sum /r > /sum\n`);
  });
  afterAll(async () => {
    await registry?.stop();
    other?.dispose();
    one?.dispose();
  });

  const build = (engine: PrivateEngine, args: readonly string[], env: Record<string, string> = {}) => {
    const ran = engine.iechor(['build', '--progress', 'plain', ...args, join(one.dir, 'ctx')], { env });
    if (ran.exit !== 0) throw new Error(ran.stderr);
    return ran.stderr;
  };
  const cachedFrom = (said: string) => said.match(/CACHED \(from [^)]*\)/g) ?? [];
  const fetched = async (path: string): Promise<Document> => {
    const headers = { Accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' };
    return (await (await fetch(`${registry.url}/v2/${path}`, { headers })).json()) as Document;
  };

  test.each([
    ['a tag of its own', ['--cache-to', 'type=registry,ref=HOST/app:cache,mode=max', '-t', 'HOST/app:0'], 'app:cache'],
    ['the image itself', ['--cache-to', 'type=inline', '-t', 'HOST/app:1', '--push'], 'app:1'],
  ])('a cache in %s gives another engine all steps, and the same files', (_where, args, name) => {
    const to = args.map((arg) => arg.replace('HOST', registry.host));
    build(one, to);
    const built = to[to.indexOf('-t') + 1] ?? '';
    const from = `${registry.host}/${name}`;
    expect(cachedFrom(build(other, ['--cache-from', from, '-t', 'app']))).toEqual(
      Array(3).fill(`CACHED (from ${from})`),
    );
    const sumOf = (engine: PrivateEngine, image: string) => engine.iechor(['run', '--rm', image, 'cat', '/sum']).stdout;
    const sums = [sumOf(one, built), sumOf(other, 'app')];
    expect(sums[0]).toMatch(/^[0-9a-f]{32} /);
    expect(sums[1]).toBe(sums[0]);
    other.iechor(['rmi', 'app']);
    other.iechor(['builder', 'prune', '--all', '-f']);
  });

  test('a cache that is not there is told in a line, and fails nothing', () => {
    const said = build(other, ['--cache-from', `${registry.host}/nothing:here`]);
    expect(said).toContain(`the cache ${registry.host}/nothing:here is not used: `);
  });

  test('a cache of a repository that the policy refuses is not used', () => {
    const scope = `${registry.host}/app`;
    other.iechor(['trust', 'policy', 'set', scope, 'reject']);
    try {
      expect(build(other, ['--cache-from', `${scope}:cache`])).toContain(`the cache ${scope}:cache is not used: `);
    } finally {
      other.iechor(['trust', 'policy', 'rm', scope]);
    }
  });

  test('what is pushed says how it was built and what is in it, and keeps secrets to itself', async () => {
    const name = `${registry.host}/said:1`;
    const said = ['--provenance=mode=max', '--sbom=true', '--annotation', 'org.example.by=us'];
    build(one, [...said, '--build-arg', 'A=seen', '--build-arg', 'API_TOKEN=unseen', '-t', name, '--push']);
    const [image, about] = (await fetched('said/manifests/1')).manifests ?? [];
    expect(about?.annotations).toEqual({
      'vnd.docker.reference.digest': image?.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    });
    expect((await fetched(`said/manifests/${image?.digest}`)).annotations).toEqual({ 'org.example.by': 'us' });
    const { layers = [] } = await fetched(`said/manifests/${about?.digest}`);
    const statements = await Promise.all(layers.map(({ digest }) => fetched(`said/blobs/${digest}`)));
    expect(statements).toMatchObject([
      { predicateType: 'https://spdx.dev/Document', predicate: { spdxVersion: 'SPDX-2.3' } },
      { predicateType: 'https://slsa.dev/provenance/v1', subject: [{ digest: { sha256: image?.digest.slice(7) } }] },
    ]);
    expect(JSON.stringify(statements)).toContain('"build-arg:A":"seen"');
    expect(JSON.stringify(statements)).not.toContain('unseen');
    other.iechor(['pull', name]);
    expect(other.iechor(['run', '--rm', name, 'cat', '/sum']).stdout).toMatch(/^[0-9a-f]{32} /);
  });

  test('an image may say what is in the result: it reads the files, and its statement goes along', async () => {
    const scanner = join(one.dir, 'scanner');
    mkdirSync(scanner, { recursive: true });
    const script = [
      'touch $BUILDKIT_SCAN_SOURCE/changed && exit 7',
      'test "$BUILDKIT_SCAN_form" = brief || ln -s /etc/passwd $BUILDKIT_SCAN_DESTINATION/link.json',
      'test "$(cat $BUILDKIT_SCAN_SOURCE/sum)" = "$(cd $BUILDKIT_SCAN_SOURCE && md5sum r | sed s,r,/r,)" || exit 8',
      `echo '{"predicateType":"https://example/sbom","predicate":{"has":"r"}}' > $BUILDKIT_SCAN_DESTINATION/a.spdx.json`,
    ];
    const lines = ['FROM busybox', "COPY <<'END' /scan", ...script, 'END', 'ENTRYPOINT ["sh", "/scan"]', ''];
    writeFileSync(join(scanner, 'iEchorfile'), lines.join('\n'));
    expect(one.iechor(['build', '-q', '-t', 'scanner', scanner])).toMatchObject({ exit: 0 });
    build(one, ['--attest', 'type=sbom,generator=scanner,form=brief', '-t', `${registry.host}/scanned:1`, '--push']);
    const [, about] = (await fetched('scanned/manifests/1')).manifests ?? [];
    const [statement] = (await fetched(`scanned/manifests/${about?.digest}`)).layers ?? [];
    expect(await fetched(`scanned/blobs/${statement?.digest}`)).toMatchObject({
      predicateType: 'https://example/sbom',
      predicate: { has: 'r' },
    });
    expect(() => build(one, ['--sbom=generator=scanner'])).toThrow(/scanner:latest wrote link.json, which is no/);
    expect(() => build(one, ['--sbom=generator=busybox'])).toThrow(/busybox:latest wrote no statement/);
    expect(() => build(one, ['--sbom=form=brief'])).toThrow(/form of an SBOM .* without a generator/);
    expect(mountsBelow(one.dir)).toEqual([]);
  });

  test('provenance is written in the older form, too', async () => {
    const asked = '--provenance=mode=max,version=v0.2,builder-id=https://builder.example';
    build(one, [asked, '-t', `${registry.host}/older:1`, '--push']);
    const [, about] = (await fetched('older/manifests/1')).manifests ?? [];
    const [statement] = (await fetched(`older/manifests/${about?.digest}`)).layers ?? [];
    expect(await fetched(`older/blobs/${statement?.digest}`)).toMatchObject({
      predicateType: 'https://slsa.dev/provenance/v0.2',
      predicate: {
        builder: { id: 'https://builder.example' },
        materials: [{ uri: expect.stringContaining('pkg:docker/busybox') }],
        invocation: { configSource: { entryPoint: 'iEchorfile' }, parameters: { frontend: 'dockerfile.v0' } },
        metadata: { completeness: { parameters: true } },
      },
    });
  });

  test('provenance of its own accord is left out by the environment, and no index is made then', async () => {
    const name = (tag: string) => `${registry.host}/plain:${tag}`;
    build(one, ['-t', name('usual'), '--push']);
    build(one, ['-t', name('without'), '--push'], { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' });
    expect((await fetched('plain/manifests/usual')).manifests).toHaveLength(2);
    expect((await fetched('plain/manifests/without')).manifests).toBeUndefined();
  });

  test('with SOURCE_DATE_EPOCH the same sources give the same archive, attestations included', () => {
    const archive = (name: string) => {
      const said = ['--provenance=mode=max', '--sbom=true', '-t', 'same:1'];
      writeFileSync(join(one.dir, 'fixed'), 'FROM busybox\nRUN date > /a && echo fixed > /a\nCOPY iEchorfile /b\n');
      const from = ['--no-cache', '-f', join(one.dir, 'fixed')];
      build(one, [...from, ...said, '-o', `type=oci,dest=${name}`], { SOURCE_DATE_EPOCH: '1700000000' });
      return readFileSync(join(one.dir, name));
    };
    expect(archive('first.tar').equals(archive('second.tar'))).toBe(true);
    expect(one.iechor(['images', '-q', 'same']).stdout).toBe('');
  });

  test('images for several platforms go below one index, from bases of each', async () => {
    const context = join(one.dir, 'platforms');
    mkdirSync(context, { recursive: true });
    for (const name of ['amd64', 'arm64']) writeFileSync(join(context, name), `on ${name}\n`);
    writeFileSync(join(context, 'base'), 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /base\n');
    const name = `${registry.host}/base:1`;
    writeFileSync(
      join(context, 'top'),
      `FROM --platform=$BUILDPLATFORM busybox AS b\nARG TARGETARCH\nRUN echo $TARGETARCH > /o\nFROM ${name}\nCOPY --from=b /o /\n`,
    );
    const platforms = ['--platform', 'linux/amd64,linux/arm64'];
    const ran = (...args: string[]) => one.iechor(['build', ...platforms, ...args, context]);
    expect(ran('-f', join(context, 'base'), '-t', name, '--push')).toMatchObject({ exit: 0 });
    const listed = (await fetched('base/manifests/1')).manifests ?? [];
    expect(listed.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64', 'unknown', 'unknown']);
    expect(ran('-f', join(context, 'top'), '-o', 'out')).toMatchObject({ exit: 0 });
    const read = (path: string) => readFileSync(join(one.dir, 'out', path), 'utf8');
    expect([read('linux_amd64/base'), read('linux_arm64/base')]).toEqual(['on amd64\n', 'on arm64\n']);
    expect([read('linux_amd64/o'), read('linux_arm64/o')]).toEqual(['amd64\n', 'arm64\n']);
  });

  test.each([
    ['in a registry', (host: string) => [`type=registry,ref=${host}/both:cache`, `${host}/both:cache`]],
    ['in a directory', () => ['type=local,dest=both', `type=local,src=${join(one.dir, 'both')}`]],
    ['in the images', (host: string) => ['type=inline', `${host}/both:1`]],
  ])('a cache %s holds the steps of all platforms that it was written for', (_where, places) => {
    const context = join(one.dir, 'platforms');
    mkdirSync(context, { recursive: true });
    for (const name of ['amd64', 'arm64']) writeFileSync(join(context, name), `on ${name}\n`);
    const base = 'FROM scratch AS base\nARG TARGETARCH\nCOPY $TARGETARCH /base\n';
    writeFileSync(join(context, 'both'), `${base}FROM scratch\nCOPY --from=base /base /both\n`);
    const [to = '', from = ''] = places(registry.host);
    const args = ['build', '--progress', 'plain', '--platform', 'linux/amd64,linux/arm64', '-f', join(context, 'both')];
    const named = ['-t', `${registry.host}/both:1`, '--push'];
    const mode = to === 'type=inline' ? '' : ',mode=max';
    expect(one.iechor([...args, ...named, '--cache-to', `${to}${mode}`, context])).toMatchObject({ exit: 0 });
    const again = other.iechor([...args, '--cache-from', from, '-o', join(one.dir, 'both-out'), context]);
    expect(cachedFrom(again.stderr)).toHaveLength(4);
    const read = (path: string) => readFileSync(join(one.dir, 'both-out', path), 'utf8');
    expect([read('linux_amd64/both'), read('linux_arm64/both')]).toEqual(['on amd64\n', 'on arm64\n']);
    other.iechor(['builder', 'prune', '--all', '-f']);
  });

  test.each([
    ['zstd', 'compression-level=19', 'application/vnd.oci.image.layer.v1.tar+zstd'],
    ['uncompressed', 'force-compression=true', 'application/vnd.oci.image.layer.v1.tar'],
  ])('a push packs layers as asked for: %s', async (compression, more, mediaType) => {
    const context = join(one.dir, 'packed');
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, 'iEchorfile'), 'FROM scratch\nCOPY a /\n');
    writeFileSync(join(context, 'a'), compression);
    const name = `${registry.host}/packed:${compression}`;
    const output = `type=image,name=${name},push=true,compression=${compression},${more}`;
    expect(one.iechor(['build', '--provenance=false', '-o', output, context])).toMatchObject({ exit: 0 });
    const { layers = [] } = await fetched(`packed/manifests/${compression}`);
    expect(layers.map((layer) => layer.mediaType)).toEqual([mediaType]);
    expect(other.iechor(['pull', '-q', name])).toMatchObject({ exit: 0 });
    expect(other.iechor(['build', '-o', 'packed-out', '-f', '-', '.'], { input: `FROM ${name}\n` }).exit).toBe(0);
    expect(readFileSync(join(other.dir, 'packed-out/a'), 'utf8')).toBe(compression);
  });

  test('images for several platforms are kept under one name, pushed and removed by it, and run by platform', async () => {
    const name = `${registry.host}/kept:1`;
    const build = { context: '.', dockerfile_inline: 'FROM scratch\nARG TARGETARCH\nCOPY $$TARGETARCH /a\n' };
    const app = { image: name, build: { ...build, platforms: ['linux/arm64', 'linux/amd64'] }, command: ['/a'] };
    const dir = join(one.dir, 'kept');
    mkdirSync(dir);
    for (const arch of ['amd64', 'arm64']) writeFileSync(join(dir, arch), arch);
    writeFileSync(join(dir, 'compose.json'), JSON.stringify({ services: { app } }));
    const compose = (...args: string[]) => one.iechor(['compose', '-f', join(dir, 'compose.json'), ...args]);
    expect(compose('build', '--push')).toMatchObject({ exit: 0, stderr: expect.stringContaining('Pushed') });
    const listed = (await fetched('kept/manifests/1')).manifests ?? [];
    expect(listed.map(({ platform }) => platform?.architecture).sort()).toEqual(['amd64', 'arm64']);
    const format = ['--format', '{{.Architecture}} {{.Id}}'];
    const [own, id] = one
      .iechor(['image', 'inspect', name, ...format])
      .stdout.trim()
      .split(' ');
    expect(own).toBe(process.arch === 'arm64' ? 'arm64' : 'amd64');
    const other = own === 'arm64' ? 'amd64' : 'arm64';
    const created = one.iechor(['create', '--name', 'other', '--platform', `linux/${other}`, name, '/a']);
    expect(created).toMatchObject({ exit: 0, stderr: '' });
    expect(one.iechor(['inspect', 'other', '--format', '{{.Image}}']).stdout.trim()).not.toBe(id);
    expect(one.iechor(['rm', 'other']).exit).toBe(0);
    expect(one.iechor(['rmi', name]).exit).toBe(0);
    expect(one.iechor(['images', '-q', '--filter', `reference=${registry.host}/kept`]).stdout).toBe('');
    expect(compose('create').exit).toBe(0);
    expect(one.iechor(['image', 'inspect', name, ...format]).stdout).toContain(`${own} `);
    expect(one.iechor(['images', '-q', name]).stdout.trim().split('\n')).toHaveLength(1);
    expect(compose('down').exit).toBe(0);
  });
});
