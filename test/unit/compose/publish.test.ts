import { describe, expect, test } from '@jest/globals';
import { concernsOf, filesToPublish } from '../../../src/compose/publish.ts';
import { type ProjectFiles, projectFiles } from './source/project-files.ts';

const written = {
  'compose.yaml': `name: shop
include:
  - side/one.yaml
  - {path: [side/deep/two.yaml, side/deep/more.yaml], project_directory: side, env_file: values.env}
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
  'side/one.yaml': 'include: [further.yaml]\nservices: {one: {image: one, env_file: one.env}}\n',
  'side/further.yaml': 'services: {further: {image: further}}\n',
  'side/deep/two.yaml': 'services: {two: {image: "${IMAGE}", env_file: one.env}}\n',
  'side/deep/more.yaml': 'services: {two: {command: run}}\n',
  'web.env': 'WEB=1\n',
  'base/base.env': 'BASE=1\n',
  'side/one.env': 'ONE=1\n',
  'values.env': 'IMAGE=two\n',
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
    expect(Object.keys(again.services).toSorted()).toEqual(['further', 'one', 'two', 'web']);
  });

  test('whose files need no change goes as it was written, and addresses stay', async () => {
    const text = 'services:\n  # kept\n  web: {image: "${IMAGE:-web}"}\n';
    using here = projectFiles({ 'compose.yaml': text });
    const { published } = await publish(here);
    expect(published.files.map(({ content }) => content.toString())).toEqual([text]);
  });

  test('has its env files named, also those of includes', async () => {
    using here = projectFiles(written);
    const { project, published } = await publish(here);
    const { environment, variables } = concernsOf(project, published);
    for (const what of ['service "web"', 'service "one"', 'include of side/deep/two.yaml']) {
      expect(environment).toContain(`${what} has env_file declared.`);
    }
    expect(variables.toSorted()).toEqual(['one: ONE', 'two: ONE', 'web: BASE', 'web: WEB']);
  });

  test('names no file by a variable: who gets the project has other values', async () => {
    using here = projectFiles({
      'compose.yaml': 'services: {web: {image: web, env_file: "${WHERE:-web.env}"}}\n',
      'web.env': 'A=1\n',
    });
    await expect(publish(here)).rejects.toMatchObject({ code: 'COMPOSE_UNSUPPORTED' });
  });
});
