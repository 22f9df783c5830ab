import { expect, test } from '@jest/globals';
import type { EngineApi } from '../../../src/api/engine-api.ts';
import { IechorError } from '../../../src/common/error.ts';
import { pinImages, renderLock } from '../../../src/compose/pin-images.ts';
import { projectFiles } from './source/project-files.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;
const options = { signal: new AbortController().signal, defaultRegistry: async () => 'docker.io' };

function engineOf(asked: string[]): EngineApi {
  const engine: Partial<EngineApi> = {
    distributionInspect: async ({ name }) => {
      asked.push(name);
      if (name.includes('missing')) throw new IechorError('IMAGE_NOT_FOUND', 'manifest unknown');
      return { Descriptor: { mediaType: 'm', digest, size: 1 }, Platforms: null };
    },
  };
  return engine as EngineApi;
}

test('images are pinned by their full names, each asked for once; those that are stay', async () => {
  using files = projectFiles({
    'compose.yaml': `services:
  a: {image: nginx}
  b: {image: nginx}
  c: {image: "me/app:2"}
  d: {image: "host:5000/x:1@${other}"}
  e: {build: .}
`,
  });
  const asked: string[] = [];
  const project = await pinImages(engineOf(asked), await files.load(), options);
  expect(Object.values(project.services).map(({ image }) => image)).toEqual([
    `docker.io/library/nginx:latest@${digest}`,
    `docker.io/library/nginx:latest@${digest}`,
    `docker.io/me/app:2@${digest}`,
    `host:5000/x@${other}`,
    undefined,
  ]);
  expect(asked).toEqual(['nginx', 'me/app:2']);
  expect(renderLock(project, 'yaml')).toContain(
    `services:\n  a:\n    image: docker.io/library/nginx:latest@${digest}\n`,
  );
  expect(renderLock(project, 'yaml')).toMatch(/ {2}e: \{\}\n$/);
});

test('an image without a host is pinned at the registry that the engine has it from', async () => {
  using files = projectFiles({ 'compose.yaml': 'services:\n  a: {image: web}\n' });
  const elsewhere = { ...options, defaultRegistry: async () => 'registry.example' };
  const { services } = await pinImages(engineOf([]), await files.load(), elsewhere);
  expect(services.a?.image).toBe(`registry.example/web:latest@${digest}`);
});

test('an image that its registry does not have is told with its place', async () => {
  using files = projectFiles({ 'compose.yaml': 'services:\n  a: {image: missing}\n' });
  await expect(pinImages(engineOf([]), await files.load(), options)).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: 'failed to resolve digest for missing: manifest unknown',
    at: [{ line: 2, column: 14 }],
  });
});
