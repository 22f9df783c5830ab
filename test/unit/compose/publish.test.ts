import { describe, expect, test } from '@jest/globals';
import { concernsOf, filesToPublish } from '../../../src/compose/publish.ts';
import { type ProjectFiles, projectFiles } from './source/project-files.ts';

const written = {
  'compose.yaml': `name: shop
services:
  web:
    extends: {file: base/base.yaml, service: base}
    env_file: [web.env, {path: nowhere.env, required: false}]
    label_file: labels
`,
  'base/base.yaml':
    'services: {base: {image: base, env_file: base.env, extends: {file: ../ground.yaml, service: g}}}\n',
  // Extends what extends it, by another service.
  'ground.yaml': 'services: {g: {labels: {g: "1"}}, h: {extends: {file: base/base.yaml, service: base}}}\n',
  'web.env': 'WEB=1\n',
  'base/base.env': 'BASE=1\n',
  labels: 'from=file\n',
};

const publish = async (files: ProjectFiles) => {
  const { project } = await files.load();
  return { project, published: filesToPublish(project) };
};

describe('a published project', () => {
  test('is the same one from its files alone, which lie in one directory', async () => {
    using here = projectFiles(written);
    const { project, published } = await publish(here);
    const main = published.files.filter(({ kind }) => kind === 'compose');
    expect(main).toHaveLength(1);
    const beside = published.files.filter(({ kind }) => kind !== 'compose');
    for (const { name } of beside) expect(name).toMatch(/^[0-9a-f]{64}\.(yaml|env)$/);
    using there = projectFiles({
      'compose.yaml': main[0]?.content ?? '',
      ...Object.fromEntries(beside.map(({ name, content }) => [name, content])),
    });
    const { project: again } = await there.load();
    expect(again.services).toEqual(project.services);
    expect(Object.keys(again.services).toSorted()).toEqual(['web']);
  });

  test('whose files need no change goes as it was written, and addresses stay', async () => {
    const text = 'services:\n  # kept\n  web: {image: "${IMAGE:-web}"}\n';
    using here = projectFiles({ 'compose.yaml': text });
    const { published } = await publish(here);
    expect(published.files.map(({ content }) => content.toString())).toEqual([text]);
  });

  test('has its env files and their values named', async () => {
    using here = projectFiles(written);
    const { project, published } = await publish(here);
    const { environment, variables } = concernsOf(project, published);
    expect(environment).toContain('service "web" has env_file declared.');
    expect(variables).toEqual(['Service/Config  web', 'BASE=1', 'WEB=1']);
  });

  test('includes nothing that lies here, as in Docker Compose', async () => {
    using here = projectFiles({
      'compose.yaml': 'include: [more.yaml]\nservices: {web: {image: web}}\n',
      'more.yaml': 'services: {more: {image: more}}\n',
    });
    await expect(publish(here)).rejects.toMatchObject({ message: 'cannot publish compose file with local includes' });
  });

  test('names no file by a variable: who gets the project has other values', async () => {
    using here = projectFiles({
      'compose.yaml': 'services: {web: {image: web, env_file: "${WHERE:-web.env}"}}\n',
      'web.env': 'A=1\n',
    });
    await expect(publish(here)).rejects.toMatchObject({ code: 'COMPOSE_UNSUPPORTED' });
  });
});
