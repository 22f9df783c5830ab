import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serveRepositories } from '../support/git-server.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine, type Ran } from '../support/private-engine.ts';

describeWithContainers('contexts of builds', () => {
  let engine: PrivateEngine;
  let repositories: Awaited<ReturnType<typeof serveRepositories>>;
  let web: Server;
  let site = '';
  const served = new Map<string, Buffer>();
  beforeAll(async () => {
    engine = createPrivateEngine();
    importBusybox(engine);
    makeRepositories(join(engine.dir, 'git'));
    repositories = await serveRepositories(join(engine.dir, 'git'));
    web = createServer((request, response) => {
      const content = served.get(request.url ?? '');
      response.writeHead(content ? 200 : 404).end(content);
    });
    await new Promise<void>((listening) => web.listen(0, '127.0.0.1', listening));
    site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    served.set('/context.tar.gz', gzipSync(tarOf({ iEchorfile: 'FROM busybox\nCOPY a /a', a: 'of the archive' })));
    served.set('/plain.tar', tarOf({ 'sub/other.file': 'FROM busybox\nCOPY sub/a /a', 'sub/a': 'of another file' }));
    served.set('/lone', Buffer.from('FROM busybox\nRUN echo lone > /a\n'));
  });
  afterAll(() => {
    repositories?.close();
    web?.close();
    engine.dispose();
  });

  const write = (dir: string, files: Readonly<Record<string, string>>): string => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content);
    }
    return dir;
  };

  function tarOf(files: Readonly<Record<string, string>>): Buffer {
    const dir = write(join(engine.dir, `tar-${Object.keys(files).join('-').replaceAll('/', '_')}`), files);
    return execFileSync('tar', ['-C', dir, '-cf', '-', '.']);
  }

  function makeRepositories(root: string): void {
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const git = (repository: string, ...args: string[]) =>
      execFileSync('git', ['-C', join(root, repository), '-c', 'user.name=t', '-c', 'user.email=t@x', ...args], {
        env,
      });
    const commit = (repository: string, files: Readonly<Record<string, string>>, ...options: string[]) => {
      write(join(root, repository), files);
      git(repository, 'add', '-A');
      git(repository, 'commit', '-q', '-m', 'x', ...options);
    };
    mkdirSync(root, { recursive: true });
    for (const name of ['app.git', 'part.git'])
      execFileSync('git', ['init', '-q', '-b', 'main', join(root, name)], { env });
    commit('part.git', { 'in-submodule': 'part' });
    const show = 'COPY . /c\nRUN cd /c && (cat a; find . -name .git | wc -l; cat part/in-submodule || true) > /a';
    commit('app.git', {
      iEchorfile: `FROM busybox\n${show}`,
      a: 'main',
      'sub/iEchorfile': 'FROM busybox\nCOPY a /a',
      'sub/a': 'sub',
    });
    symlinkSync('/etc', join(root, 'app.git/out'));
    commit('app.git', {});
    git('app.git', 'tag', 'v1');
    commit('app.git', { a: 'pulled' });
    git('app.git', 'update-ref', 'refs/pull/7/head', 'HEAD');
    git('app.git', 'reset', '-q', '--hard', 'v1');
    git('app.git', 'checkout', '-q', '-b', 'with-part');
    git('app.git', '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', '../part.git', 'part');
    git('app.git', 'config', '-f', '.gitmodules', 'submodule.part.url', '../part.git');
    commit('app.git', { a: 'with part' });
    git('app.git', 'checkout', '-q', 'main');
  }

  /** Servers of this process answer meanwhile. */
  const run = (args: readonly string[], options: Parameters<PrivateEngine['start']>[1] = {}): Promise<Ran> =>
    new Promise((resolve) => {
      const child = engine.start(args, {
        ...options,
        env: { XDG_CACHE_HOME: join(engine.dir, 'cache'), ...options.env },
      });
      const output = Promise.all([child.stdout, child.stderr].map((stream) => (stream ? text(stream) : '')));
      child.once('close', async (code) => {
        const [stdout = '', stderr = ''] = await output;
        resolve({ exit: code ?? 128, stdout, stderr });
      });
    });
  const fileOf = (image: string, path = '/a') => engine.iechor(['run', '--rm', image, 'cat', path]).stdout;
  let count = 0;
  /** What a build leaves in /a. */
  const built = async (...args: string[]): Promise<string> => {
    const to = join(engine.dir, `out-${++count}`);
    const ran = await run(['build', '-q', '-o', to, ...args]);
    if (ran.exit !== 0) throw new Error(ran.stderr);
    return readFileSync(join(to, 'a'), 'utf8');
  };

  test('a repository: its HEAD, a branch, a tag, a pull request, a directory, by # and by query', async () => {
    const url = `${repositories.url}/app.git`;
    expect(await built(url)).toMatch(/^main0\n/);
    expect(await built(`${url}#pull/7/head`)).toMatch(/^pulled0\n/);
    expect(await built(`${url}#main:sub`)).toBe('sub');
    expect(await built(`${url}?tag=v1&keep-git-dir=1`)).toMatch(/^main1\n/);
    expect(await built('--build-arg', 'BUILDKIT_CONTEXT_KEEP_GIT_DIR=1', url)).toMatch(/^main1\n/);
    await expect(built(`${url}?checksum=0123456789`)).rejects.toThrow('the commit of');
    await expect(built(`${url}#nope`)).rejects.toThrow('no branch or tag');
    await expect(built(`${url}#main:out`)).rejects.toThrow('leads out of the repository');
  });

  test('a repository by ssh is fetched with the agent that is given', async () => {
    const agent = createSocketServer();
    await new Promise<void>((listening) => agent.listen(join(engine.dir, 'agent.sock'), listening));
    // In place of ssh: runs on this machine what the server would be asked to run.
    const script = `echo "$SSH_AUTH_SOCK" >> "${engine.dir}/agents"; for last; do :; done; exec sh -c "$last"`;
    write(engine.dir, { 'ssh.sh': script });
    const env = { GIT_SSH_COMMAND: `sh ${join(engine.dir, 'ssh.sh')}` };
    const context = `ssh://user@host.example${join(engine.dir, 'git/app.git')}#main:sub`;
    const args = [
      'build',
      '-q',
      '-o',
      join(engine.dir, 'by-ssh'),
      '--ssh',
      `default=${engine.dir}/agent.sock`,
      context,
    ];
    expect(await run(args, { env })).toMatchObject({ exit: 0 });
    expect(readFileSync(join(engine.dir, 'by-ssh/a'), 'utf8')).toBe('sub');
    const agents = new Set(readFileSync(join(engine.dir, 'agents'), 'utf8').trim().split('\n'));
    expect([...agents]).toEqual([join(engine.dir, 'agent.sock')]);
    agent.close();
  });

  test('a repository brings its submodules, unless they are not wanted', async () => {
    const url = `${repositories.url}/app.git`;
    expect(await built(`${url}#with-part`)).toMatch(/^with part.*part$/s);
    expect(await built(`${url}?branch=with-part&submodules=0`)).not.toMatch(/part$/);
  });

  test('an archive or a build file on the web, and from standard input', async () => {
    expect(await built(`${site}/context.tar.gz`)).toBe('of the archive');
    expect(await built('-f', 'sub/other.file', `${site}/plain.tar`)).toBe('of another file');
    expect(await built(`${site}/lone`)).toBe('lone\n');
    await expect(built(`${site}/nothing`)).rejects.toThrow('the server answered 404');
    const build = (input: string) => {
      const { stdout } = engine.iechor(['build', '-q', '-'], { input });
      return fileOf(stdout.trim());
    };
    expect(build('FROM busybox\nRUN echo bare > /a')).toBe('bare\n');
    const dir = write(join(engine.dir, 'beside'), { a: 'beside' });
    const { stdout } = engine.iechor(['build', '-q', '-f', '-', dir], { input: 'FROM busybox\nCOPY a /a' });
    expect(fileOf(stdout.trim())).toBe('beside');
  });

  test("Docker's remote=: a repository, an archive, a build file; anything else is refused", async () => {
    const post = (remote: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const path = `/v1.47/build?q=1&dockerfile=Dockerfile&remote=${encodeURIComponent(remote)}`;
        const sent = httpRequest({ socketPath: engine.socketPath, method: 'POST', path }, (response) =>
          text(response).then(resolve, reject),
        );
        sent.once('error', reject).end();
      });
    const image = async (remote: string) => /sha256:[0-9a-f]{64}/.exec(await post(remote))?.[0] ?? '';
    served.set('/docker.tar', tarOf({ Dockerfile: 'FROM busybox\nCOPY a /a', a: 'by docker' }));
    expect(fileOf(await image(`${site}/docker.tar`))).toBe('by docker');
    expect(fileOf(await image(`${site}/lone`))).toBe('lone\n');
    expect(await post(`${repositories.url}/app.git#main:sub`)).toContain('Dockerfile');
    expect(await post(`${repositories.url}/part.git`)).toContain('Dockerfile');
    expect(await post('/etc')).toContain('no address of a context');
    expect(await post('file:///etc')).toContain('no address of a context');
  });

  test('further contexts: a directory, a repository, an archive, an image, a layout', async () => {
    const dir = write(join(engine.dir, 'further'), {
      iEchorfile: [
        'FROM busybox',
        ...['here', 'repo', 'web'].map((name) => `COPY --from=${name} a /${name}`),
        'COPY --from=layout /etc/passwd /layout',
        'COPY --from=other /bin/busybox /other',
        'RUN cat /here /repo /web > /a',
      ].join('\n'),
      'dir/a': 'dir ',
    });
    expect(
      engine.iechor(['build', '-q', '-o', `type=oci,tar=false,dest=${join(engine.dir, 'layout')}`, '-'], {
        input: 'FROM busybox\n',
      }).exit,
    ).toBe(0);
    const named = Object.entries({
      here: join(dir, 'dir'),
      repo: `${repositories.url}/app.git#main:sub`,
      web: `${site}/context.tar.gz`,
      other: 'docker-image://busybox',
      layout: `oci-layout://${join(engine.dir, 'layout')}`,
    }).flatMap(([name, source]) => ['--build-context', `${name}=${source}`]);
    expect(await built(...named, dir)).toBe('dir subof the archive');
  });

  test('Compose: contexts and further contexts of all kinds, and a build file in the project', async () => {
    const dir = write(join(engine.dir, 'compose'), {
      'compose.yaml': [
        'name: contexts',
        'services:',
        `  repo: {image: c-repo, build: {context: "${repositories.url}/app.git#main:sub"}}`,
        `  web: {image: c-web, build: "${site}/context.tar.gz"}`,
        '  inline:',
        '    image: c-inline',
        '    build:',
        '      context: .',
        '      dockerfile_inline: "FROM target\\nCOPY --from=repo a /r\\nCOPY --from=web a /w\\nCOPY --from=dir a /d\\nCOPY --from=image /etc/passwd /p\\nRUN cat /r /w /d >> /a"',
        '      additional_contexts:',
        `        repo: "${repositories.url}/app.git#main:sub"`,
        `        web: ${site}/context.tar.gz`,
        '        dir: ./dir',
        '        image: docker-image://busybox',
        '        target: service:repo',
      ].join('\n'),
      'dir/a': ' dir',
    });
    const ran = await run(['compose', 'build'], { cwd: dir });
    if (ran.exit !== 0) throw new Error(ran.stderr);
    expect([fileOf('c-repo'), fileOf('c-web'), fileOf('c-inline')]).toEqual([
      'sub',
      'of the archive',
      'subsubof the archive dir',
    ]);
  });

  test('the ignore file beside a build file counts before that of the context, by either name', async () => {
    const dir = write(join(engine.dir, 'ignored'), {
      '.dockerignore': 'a',
      a: '',
      b: '',
      c: '',
      'one.iEchorfile': 'FROM busybox\nCOPY . /c\nRUN ls /c > /a',
      'one.iEchorfile.iechorignore': 'b\n*file*',
      'two.Dockerfile': 'FROM busybox\nCOPY . /c\nRUN ls /c > /a',
      'two.Dockerfile.dockerignore': 'c\n*file*',
    });
    expect(await built('-f', join(dir, 'one.iEchorfile'), dir)).toBe('a\nc\n');
    expect(await built('-f', join(dir, 'two.Dockerfile'), dir)).toBe('a\nb\n');
    expect(readFileSync(join(dir, '.dockerignore'), 'utf8')).toBe('a');
  });
});
