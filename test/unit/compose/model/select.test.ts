import { describe, expect, test } from '@jest/globals';
import { projectFiles } from '../source/project-files.ts';

const text = `services:
  web: {image: x, depends_on: {db: {condition: service_started}, trace: {condition: service_started, required: false}}, volumes: ["one:/v"]}
  db: {image: x, volumes: ["two:/w"]}
  tool: {image: x, profiles: [dev], depends_on: [db]}
  trace: {image: x, profiles: [debug]}
volumes: {one: , two: , unused: }
`;
const names = async (options: { services?: string[]; profiles?: string[]; allResources?: boolean }) => {
  using files = projectFiles({ 'compose.yaml': text });
  const { project } = await files.load(options);
  return {
    services: Object.keys(project.services),
    disabled: Object.keys(project.disabledServices),
    volumes: Object.keys(project.volumes),
  };
};

describe('what a command works with', () => {
  test('without names it is every service of no profile, and what they use', async () => {
    expect(await names({})).toEqual({ services: ['db', 'web'], disabled: ['tool', 'trace'], volumes: ['one', 'two'] });
    expect((await names({ allResources: true })).volumes).toEqual(['one', 'two', 'unused'].sort());
  });

  test('profiles switch services on, * all of them', async () => {
    expect((await names({ profiles: ['dev'] })).services).toEqual(['db', 'tool', 'web']);
    expect((await names({ profiles: ['*'] })).services).toEqual(['db', 'tool', 'trace', 'web']);
  });

  test('a named service brings its dependencies, and its profile', async () => {
    expect(await names({ services: ['web'] })).toMatchObject({ services: ['db', 'web'] });
    expect(await names({ services: ['db'] })).toMatchObject({ services: ['db'], volumes: ['two'] });
    expect(await names({ services: ['tool'] })).toMatchObject({ services: ['db', 'tool'] });
  });

  test('a service that is not there is refused', async () => {
    await expect(names({ services: ['wbe'] })).rejects.toMatchObject({
      code: 'SERVICE_NOT_FOUND',
      message: 'no such service: wbe',
    });
  });
});
