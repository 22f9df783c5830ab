// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectFiles } from './project-files.ts';

const image = (name: string) => `services: {web: {image: ${name}}}\n`;
const imageOf = async (
  files: Record<string, string>,
  options: Parameters<ReturnType<typeof projectFiles>['load']>[0] = {},
) => {
  using made = projectFiles(files);
  const below = options.cwd ? join(made.directory, options.cwd) : made.directory;
  const { project } = await made.load({
    ...options,
    cwd: below,
    environment: { HOME: '/home/me', ...options.environment },
  });
  return project.services.web?.image;
};

describe('which files make a project', () => {
  test.each([
    [['compose.yaml', 'docker-compose.yml', 'iechor-compose.yaml'], 'iechor-compose.yaml'],
    [['compose.yaml', 'compose.yml', 'docker-compose.yml'], 'compose.yaml'],
    [['docker-compose.yaml', 'docker-compose.yml'], 'docker-compose.yml'],
    [['docker-compose.yaml', 'docker-compose.override.yml'], 'docker-compose.override.yml'],
  ])('of %j it is %s', async (names, winner) => {
    expect(await imageOf(Object.fromEntries(names.map((name) => [name, image(name)])))).toBe(winner);
  });

  test('parents are searched, and the file found there is the project directory', async () => {
    using files = projectFiles({ 'compose.yaml': image('x'), 'a/b/note': '' });
    const { project } = await files.load({ cwd: join(files.directory, 'a/b') });
    expect(project).toMatchObject({ name: 'demo', workingDirectory: files.directory });
  });

  test('-f wins over COMPOSE_FILE, which may come from .env and names several', async () => {
    const files = {
      'a.yaml': image('a'),
      'b.yaml': image('b'),
      '.env': 'COMPOSE_FILE=a.yaml,b.yaml\nCOMPOSE_PATH_SEPARATOR=,\n',
    };
    expect(await imageOf(files)).toBe('b');
    expect(await imageOf(files, { files: ['a.yaml'] })).toBe('a');
    expect(await imageOf(files, { environment: { COMPOSE_FILE: 'b.yaml:a.yaml', COMPOSE_PATH_SEPARATOR: ':' } })).toBe(
      'a',
    );
  });

  test('stdin is a file, with the current directory for its paths', async () => {
    using files = projectFiles({});
    const stdin = async () => 'services: {web: {image: x, volumes: ["./d:/d"]}}';
    const { project } = await files.load({ files: ['-'], stdin });
    expect(project.services.web?.volumes?.[0]?.source).toBe(join(files.directory, 'd'));
  });

  test.each([
    ['the directory', {}, 'demo'],
    ['name:, cleaned', { files: 'name: My.App\n' }, 'myapp'],
    ['name: with a variable', { files: 'name: ${N:-fallback}\n' }, 'fallback'],
    ['COMPOSE_PROJECT_NAME', { files: 'name: x\n', environment: { COMPOSE_PROJECT_NAME: 'from-env' } }, 'from-env'],
    ['-p', { files: 'name: x\n', environment: { COMPOSE_PROJECT_NAME: 'from-env' }, projectName: 'given' }, 'given'],
  ])(
    'the name comes from %s',
    async (_from, {
      files: text = '',
      ...options
    }: { files?: string; environment?: Record<string, string>; projectName?: string }, name) => {
      using files = projectFiles({ 'compose.yaml': `${text}services: {web: {image: "\${COMPOSE_PROJECT_NAME}"}}\n` });
      const { project } = await files.load(options);
      expect(project).toMatchObject({ name, services: { web: { image: name } } });
    },
  );

  test('a name that is none is refused with one that is', async () => {
    using files = projectFiles({ 'compose.yaml': image('x') });
    await expect(files.load({ projectName: 'My App' })).rejects.toMatchObject({
      code: 'PROJECT_NAME',
      hint: 'try "myapp"',
    });
  });

  test('no file at all says where it looked', async () => {
    using files = projectFiles({});
    await expect(files.load()).rejects.toMatchObject({ code: 'COMPOSE_FILE_MISSING' });
    expect(await files.mistakes({ files: ['none.yaml'] })).toEqual(['open none.yaml: no such file or directory']);
  });
});

test('the shell wins over --env-file, that over .env; without --env-file .env of the project directory counts', async () => {
  const files = {
    'compose.yaml': 'services: {web: {image: "${A-none} ${B-none} ${C-none}"}}\n',
    '.env': 'A=dot\nB=dot\nC=dot\n',
    'other.env': 'A=file\nB=file\n',
  };
  const environment = { A: 'shell' };
  expect(await imageOf(files, { environment })).toBe('shell dot dot');
  expect(await imageOf(files, { environment, envFiles: ['other.env'] })).toBe('shell file none');
  expect(await imageOf(files, { environment: { ...environment, COMPOSE_DISABLE_ENV_FILE: '1' } })).toBe(
    'shell none none',
  );
});
