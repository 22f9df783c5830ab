import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { renderConfig } from '../../../../src/compose/config.ts';
import type { Project } from '../../../../src/compose/model/project.ts';
import { load } from '../../../../src/compose/source/load.ts';
import { substitute } from '../../../../src/compose/source/template.ts';
import { randomFile, reordered } from '../../../support/random-compose.ts';
import { randomOf } from '../../../support/random-project.ts';
import { projectFiles } from './project-files.ts';

const seeds = Array.from({ length: 40 }, (_, at) => at + 1);
const model = (project: Project) => {
  const { composeFiles: _files, environment: _environment, ...rest } = project;
  return rest;
};
const read = (directory: string, text: string, environment = {}) =>
  load({ cwd: directory, files: ['-'], stdin: async () => text, environment, allResources: true });

describe('what is printed is read as what was printed', () => {
  const roundTrip = async (directory: string, project: Project) => {
    for (const form of ['yaml', 'json'] as const) {
      const printed = renderConfig(project, form);
      const { project: again } = await read(directory, printed);
      expect(model(again)).toEqual(model(project));
      expect(renderConfig(again, form)).toBe(printed);
    }
  };
  test.each(seeds)('a random project (seed %i)', async (seed) => {
    using files = projectFiles({ 'compose.yaml': randomFile(randomOf(seed)) });
    const { project } = await files.load({ environment: {}, allResources: true });
    await roundTrip(files.directory, project);
  });

  test('a project with most attributes, in YAML', async () => {
    const directory = resolve('test/golden/config/everything');
    const { project } = await load({ cwd: directory, environment: {} });
    const printed = renderConfig(project, 'yaml');
    const { project: again } = await read(directory, printed);
    expect(renderConfig(again, 'yaml')).toBe(printed);
    expect(readFileSync(`${directory}/compose.yaml`, 'utf8')).not.toBe(printed);
  });
});

/** Files as one project, without what is filled in at the end. */
async function merged(texts: readonly string[]): Promise<Project> {
  using files = projectFiles(Object.fromEntries(texts.map((text, at) => [`${at}.yaml`, text])));
  const names = texts.map((_, at) => `${files.directory}/${at}.yaml`);
  const { project } = await files.load({ files: names, environment: {}, allResources: true, normalize: false });
  const relative = JSON.stringify(project).replaceAll(files.directory, '.');
  return JSON.parse(relative) as Project;
}

describe('merging', () => {
  // Hosts are told apart by their text, and printed in another one than most write: they are left out.
  test.each(seeds)('may begin with the first two files or be done at once (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const draw = () => randomFile(random, { without: ['extra_hosts'] });
    const [a, b, c] = [draw(), draw(), draw()] as const;
    using files = projectFiles({ 'a.yaml': a, 'b.yaml': b });
    const options = { files: ['a.yaml', 'b.yaml'], environment: {}, allResources: true, normalize: false };
    const both = await files.load(options);
    const first = renderConfig(both.project, 'yaml').replaceAll(files.directory, '.');
    const atOnce = model(await merged([a, b, c]));
    const stepwise = model(await merged([first, c]));
    expect(stepwise.services).toEqual(atOnce.services);
  });

  test.each(seeds)('the order of keys does not matter (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const [a, b] = [randomFile(random), randomFile(random)] as const;
    expect(model(await merged([reordered(a), reordered(b)]))).toEqual(model(await merged([a, b])));
  });

  test.each(seeds)('a file over itself is itself (seed %i)', async (seed) => {
    const a = randomFile(randomOf(seed));
    expect(model(await merged([a, a]))).toEqual(model(await merged([a])));
  });

  test('the order of files that say nothing of the same does not matter', async () => {
    const a = 'services: {a: {image: x}}\nvolumes: {v: {}}\n';
    const b = 'services: {b: {image: y, volumes: ["v:/v"]}}\n';
    expect(model(await merged([a, b]))).toEqual(model(await merged([b, a])));
  });
});

describe('interpolation never runs twice', () => {
  const pieces = ['$A', '${A}', '${B:-$A}', '$$', '$$A', '${N:-${A}}', 'x', '${A:+$B}', '$${B}'];
  test.each(seeds)('a value that holds templates is taken as it is (seed %i)', (seed) => {
    const random = randomOf(seed);
    const lookup = (name: string) => ({ A: '$B${C:?never}$$', B: '${A}' })[name];
    const chosen = Array.from({ length: 1 + random(5) }, () => pieces[random(pieces.length)] as string);
    const each = chosen.map((piece) => substitute(piece, { lookup }));
    const whole = substitute(chosen.join(' '), { lookup });
    expect(whole).toEqual({ text: each.map((one) => ('text' in one ? one.text : '!')).join(' ') });
  });

  test('nor over files, extends, include and env files', async () => {
    const value = '$${NOT}$NOT${NOT:?never}';
    using files = projectFiles({
      'compose.yaml': 'include: [inc.yaml]\nservices: {web: {extends: {file: base.yaml, service: b}, hostname: $V}}\n',
      'compose.override.yaml': 'services: {web: {domainname: $V, env_file: w.env}}\n',
      'base.yaml': 'services: {b: {image: "x:$V", labels: {l: $V}}}\n',
      'inc.yaml': 'services: {inc: {image: $V}}\n',
      'w.env': 'E=$V\n',
    });
    const { project } = await files.load({ environment: { V: value } });
    expect(project.services).toMatchObject({
      web: { image: `x:${value}`, hostname: value, domainname: value, labels: { l: value }, environment: { E: value } },
      inc: { image: value },
    });
  });
});
