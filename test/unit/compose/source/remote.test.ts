import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type GitReference, parseGitReference } from '../../../../src/common/git-reference.ts';
import { type ProjectFiles, projectFiles } from './project-files.ts';

const url = 'https://host.example/repo.git';

/** A repository that is "fetched" from beside the project. */
function withRepository(own: Record<string, string>, repository: Record<string, string>) {
  const files = projectFiles({
    ...own,
    ...Object.fromEntries(Object.entries(repository).map(([name, text]) => [`../checkout/${name}`, text])),
  });
  const asked: GitReference[] = [];
  const checkout = join(realpathSync(files.directory), '../checkout');
  const fetchRemote = async (reference: GitReference) => {
    asked.push(reference);
    return { directory: checkout };
  };
  return { files, asked, checkout, options: { fetchRemote } };
}

const mistakes = async (files: ProjectFiles, options: object) =>
  (await files.mistakes(options)).map((one) => one.replaceAll(/\/\S*\/(?=\w+\/[\w.]+:)/g, ''));

describe('references to repositories', () => {
  test.each<[string, GitReference]>([
    [url, { url }],
    [`${url}#v1.2`, { url, ref: 'v1.2' }],
    [`${url}#feature/x:deploy/prod`, { url, ref: 'feature/x', path: 'deploy/prod' }],
    [`${url}#:sub`, { url, path: 'sub' }],
    ['git@host.example:team/repo.git', { url: 'git@host.example:team/repo.git' }],
    ['ssh://git@host.example:22/repo', { url: 'ssh://git@host.example:22/repo' }],
    [`${url}?branch=main&subdir=a/b&keep-git-dir=1`, { url, ref: 'refs/heads/main', path: 'a/b', keepGitDir: true }],
    [
      `${url}?tag=v1&submodules=false&checksum=0123456`,
      { url, ref: 'refs/tags/v1', submodules: false, commit: '0123456' },
    ],
    [`${url}#pull/7/head:sub`, { url, ref: 'pull/7/head', path: 'sub' }],
    ['github.com/a/b#main', { url: 'https://github.com/a/b', ref: 'main' }],
  ])('%s', (text, expected) => expect(parseGitReference(text)).toEqual(expected));

  test.each([
    `${url}#--upload-pack=touch /tmp/x`,
    `${url}#-x`,
    `${url}#main:../../etc`,
    `${url}#main:a/../../b`,
    `${url}#main:.git/config`,
    `${url}#a..b`,
    `${url}?branch=-x..y`,
    `${url}?subdir=../x`,
    `${url}?unknown=1`,
    `${url}?ref=a#b`,
    'git@-oProxyCommand=x:repo.git',
    'git@host:-x',
    'ssh://-oProxyCommand=x/repo',
    'ssh://-u@host/repo',
    'https://host/-x.git',
    'https://ho st/x.git',
  ])('%s is refused', (text) => expect(typeof parseGitReference(text)).toBe('string'));
});

describe('a project in a repository', () => {
  test('is read from its checkout, and its paths begin there', async () => {
    const remote = withRepository(
      {},
      { 'sub/compose.yaml': 'services: {web: {build: ., env_file: ../e.env, volumes: ["../d:/d"]}}\n', 'e.env': 'A=1' },
    );
    using files = remote.files;
    const { project } = await files.load({ ...remote.options, files: [`${url}#main:sub`] });
    expect(remote.asked).toEqual([{ url, ref: 'main', path: 'sub' }]);
    expect(project).toMatchObject({ name: 'demo', workingDirectory: join(remote.checkout, 'sub') });
    expect(project.services.web).toMatchObject({
      build: { context: join(remote.checkout, 'sub') },
      environment: { A: '1' },
      volumes: [{ source: join(remote.checkout, 'd') }],
    });
  });

  test('can be included, and extended from', async () => {
    const remote = withRepository(
      { 'compose.yaml': `include: ["${url}"]\nservices: {own: {extends: {file: "${url}", service: web}}}\n` },
      { 'compose.yaml': 'services: {web: {image: x, volumes: ["./d:/d"]}}\n' },
    );
    using files = remote.files;
    const { project } = await files.load(remote.options);
    const mounted = { volumes: [{ source: join(remote.checkout, 'd') }] };
    expect(project.services).toMatchObject({ web: mounted, own: mounted });
    expect(remote.asked).toHaveLength(1);
  });

  test.each([
    ['env_file', 'services: {web: {image: x, env_file: ../secret.env}}'],
    ['env_file, absolute', 'services: {web: {image: x, env_file: /etc/passwd}}'],
    ['label_file', 'services: {web: {image: x, label_file: ../secret.env}}'],
    ['extends', 'services: {web: {extends: {file: ../other.yaml, service: s}}}'],
    ['include', 'include: [../other.yaml]\nservices: {web: {image: x}}'],
    ["include's directory", 'include: [{path: in.yaml, project_directory: ../..}]\nservices: {web: {image: x}}'],
    ["include's env file", 'include: [{path: in.yaml, env_file: ../secret.env}]\nservices: {web: {image: x}}'],
    ['a secret', 'services: {web: {image: x, secrets: [s]}}\nsecrets: {s: {file: ~/.ssh/id_rsa}}'],
    ['a config', 'services: {web: {image: x, configs: [s]}}\nconfigs: {s: {file: ../secret.env}}'],
    ['a build context', 'services: {web: {build: ..}}'],
    ['a mount', 'services: {web: {image: x, volumes: ["../:/host"]}}'],
    ['a link in it', 'services: {web: {image: x, env_file: link/secret.env}}'],
    ['a linked file', 'services: {web: {image: x, env_file: linked.env}}'],
    ['a link to an included file', 'include: [link/other.yaml]\nservices: {web: {image: x}}'],
  ])('does not reach out of it: by %s', async (_how, text) => {
    const remote = withRepository({}, { 'compose.yaml': `${text}\n`, 'in.yaml': 'services: {}\n' });
    using files = remote.files;
    const outside = join(remote.checkout, '..');
    writeFileSync(join(outside, 'secret.env'), 'PASSWORD=hidden\n');
    writeFileSync(join(outside, 'other.yaml'), 'services: {s: {image: x}}\n');
    symlinkSync('..', join(remote.checkout, 'link'));
    symlinkSync('../secret.env', join(remote.checkout, 'linked.env'));
    const found = await mistakes(files, { ...remote.options, files: [url] });
    expect(found).toEqual([expect.stringContaining('a remote project cannot use files of this machine')]);
    expect(found[0]).toMatch(/^checkout\/compose\.yaml:\d+:\d+ /);
    expect(found.join()).not.toContain('hidden');
  });

  test('may mount what it names by its full path', async () => {
    const remote = withRepository(
      {},
      { 'compose.yaml': 'services: {web: {image: x, volumes: ["/var/run/x.sock:/x"]}}\n' },
    );
    using files = remote.files;
    const { project } = await files.load({ ...remote.options, files: [url] });
    expect(project.services.web?.volumes?.[0]).toMatchObject({ source: '/var/run/x.sock' });
  });

  test('that is not there is told with the place that asks for it', async () => {
    using files = projectFiles({ 'compose.yaml': `include: ["${url}", "oci://host/x"]\nservices: {}\n` });
    mkdirSync(join(files.directory, 'empty'));
    const fetchRemote = async () => ({ problem: 'git cannot fetch it', hint: 'try again' });
    expect(await files.mistakes({ fetchRemote })).toEqual([
      'compose.yaml:1:11 include[0]: git cannot fetch it',
      'compose.yaml:1:44 include[1]: projects in registries are not fetched here: oci://host/x',
    ]);
  });
});
