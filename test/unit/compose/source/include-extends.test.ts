// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectFiles } from './project-files.ts';

describe('extends', () => {
  test('takes a service of the same file, recursively, and merges over it', async () => {
    using files = projectFiles({
      'compose.yaml': `services:
  base: {image: x, environment: {A: 1}, ports: ["80:80"]}
  middle: {extends: base, environment: {B: 2}}
  top: {extends: {service: middle}, environment: {A: 3}, ports: !reset []}
`,
    });
    const { services } = (await files.load()).project;
    expect(services.top).toMatchObject({ image: 'x', environment: { A: '3', B: '2' } });
    expect(services.top).not.toHaveProperty('ports');
    expect(services.middle?.ports).toHaveLength(1);
  });

  test('takes a service of another file, whose paths are seen from there', async () => {
    using files = projectFiles({
      'compose.yaml': 'services: {web: {extends: {file: sub/common.yaml, service: web}}}\n',
      'sub/common.yaml':
        'services: {web: {build: ./app, env_file: my.env, volumes: ["./data:/d"], extends: {file: deep/base.yaml, service: b}}}\n',
      'sub/deep/base.yaml': 'services: {b: {configs: [], volumes: ["./x:/x"]}}\n',
      'sub/my.env': 'A=1\n',
    });
    const { web } = (await files.load()).project.services;
    const below = (path: string) => join(files.directory, 'sub', path);
    expect(web).toMatchObject({ build: { context: below('app') }, environment: { A: '1' } });
    expect(web?.volumes?.map(({ source }) => source)).toEqual([below('deep/x'), below('data')]);
  });

  test('what is not there is told with a suggestion', async () => {
    using files = projectFiles({ 'compose.yaml': 'services: {base: {image: x}, web: {extends: bsae}}\n' });
    await expect(files.load()).rejects.toMatchObject({
      hint: 'did you mean "base"?',
      message: expect.stringContaining('cannot extend service "web"'),
    });
  });
});

describe('include', () => {
  test('brings a project of its own: its directory, its .env, its override', async () => {
    using files = projectFiles({
      'compose.yaml': 'include: [db/compose.yaml]\nservices: {web: {image: "${TAG}", depends_on: [db]}}\n',
      'db/compose.yaml':
        'services: {db: {image: "${TAG}", build: ., volumes: ["./data:/d", "vol:/v"]}}\nvolumes: {vol: {}}\n',
      'db/.env': 'TAG=inner\nOUTER=ignored\n',
      '.env': 'TAG=outer\n',
    });
    const { project } = await files.load();
    // What is set outside wins over the included project's .env.
    expect(project.services.db).toMatchObject({ image: 'outer', build: { context: join(files.directory, 'db') } });
    expect(project.services.db?.volumes?.[0]?.source).toBe(join(files.directory, 'db/data'));
    expect(project.volumes.vol?.name).toBe('demo_vol');
  });

  test('takes several paths as one project, another directory and env files', async () => {
    using files = projectFiles({
      'compose.yaml':
        'include:\n- path: [a/one.yaml, a/two.yaml]\n  project_directory: b\n  env_file: inc.env\nservices: {}\n',
      'a/one.yaml': 'services: {s: {image: "${V}", volumes: ["./x:/x"]}}\n',
      'a/two.yaml': 'services: {s: {hostname: h}}\n',
      'b/note': '',
      'inc.env': 'V=v1\n',
    });
    const { s } = (await files.load()).project.services;
    expect(s).toMatchObject({ image: 'v1', hostname: 'h', volumes: [{ source: join(files.directory, 'b/x') }] });
  });

  test('of a name that is taken is a conflict, unless both say the same', async () => {
    const included = { 'inc.yaml': 'services: {web: {image: x}}\n' };
    using same = projectFiles({ ...included, 'compose.yaml': 'include: [inc.yaml]\nservices: {web: {image: x}}\n' });
    expect(await same.mistakes()).toEqual([]);
    using other = projectFiles({ ...included, 'compose.yaml': 'include: [inc.yaml]\nservices: {web: {image: y}}\n' });
    expect(await other.mistakes()).toEqual(['compose.yaml:2:12 services.web: conflicts with imported resource']);
  });

  test('of a missing file or env file is told at the line that asks for it', async () => {
    using files = projectFiles({
      'compose.yaml': 'include:\n- none.yaml\n- path: ok.yaml\n  env_file: no.env\nservices: {}\n',
      'ok.yaml': 'services: {}\n',
    });
    expect(await files.mistakes()).toEqual([
      'compose.yaml:2:3 include[0]: open none.yaml: no such file or directory',
      "compose.yaml:4:13 include[1]: couldn't find env file: no.env: no such file or directory",
    ]);
  });

  test('from far away is refused by name', async () => {
    using files = projectFiles({ 'compose.yaml': 'include: ["oci://example/x"]\nservices: {}\n' });
    await expect(files.load()).rejects.toMatchObject({ code: 'COMPOSE_UNSUPPORTED' });
  });
});
