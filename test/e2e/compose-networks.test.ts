import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeOnEngines, idle } from '../support/compose-engines.ts';
import type { DockerProject } from '../support/docker-engine.ts';

describeOnEngines('a network that changes in the file', (make) => {
  let project: DockerProject;
  const file = (internal: boolean, more = '') => ({
    'compose.yaml': `
services:
  web:
    image: busybox:latest
    ${idle}
    networks: {front: {priority: 5}, back: {aliases: [cache]}}
  db:
    image: busybox:latest
    ${idle}
    networks: [back]
${more}
networks:
  front: {}
  back: {internal: ${internal}}
`,
  });
  const inside = (service: string, ...command: string[]) => project.compose('exec', '-T', service, ...command);
  const ids = () => project.compose('ps', '-aq').stdout.split('\n').sort();
  const isInternal = async () => (await project.engine.networkInspect({ id: `${project.name}_back` })).Internal;
  const interfaces = () => inside('web', 'sh', '-c', 'ip -o -4 addr | cut -d" " -f2').stdout;

  beforeAll(() => {
    project = make('nets');
    project.write(file(false));
    expect(project.compose('up', '-d')).toMatchObject({ exit: 0 });
    expect(inside('web', 'sh', '-c', 'echo kept > /file').exit).toBe(0);
  });
  afterAll(() => project.dispose());

  test('is made anew, and the same containers come onto it, with their data and their names', async () => {
    const [before, order] = [ids(), interfaces()];
    project.write(file(true));
    expect(project.compose('up', '--dry-run').stdout).toMatch(
      /stopContainer .*db:1 +network \S+_back is made anew: internal \S+ -> true \(compose\.yaml:14\)/,
    );
    expect(project.compose('up', '-d')).toMatchObject({ exit: 0 });
    expect(await isInternal()).toBe(true);
    expect(ids()).toEqual(before);
    expect(interfaces()).toBe(order);
    expect(inside('web', 'cat', '/file').stdout).toBe('kept\n');
    expect(inside('db', 'ping', '-c', '1', '-W', '5', 'cache')).toMatchObject({ exit: 0 });
    expect(project.compose('up', '--dry-run').stdout).toBe('nothing to do\n');
  });

  test('is as it was after an up that fails, with the containers on it', async () => {
    const before = ids();
    project.write(file(false, '  bad: {image: "busybox:latest", command: /nope, depends_on: [web, db]}'));
    expect(project.compose('up', '-d')).toMatchObject({ exit: 1, stderr: expect.stringContaining('run again') });
    expect(await isInternal()).toBe(true);
    expect(ids()).toEqual(before);
    expect(inside('db', 'ping', '-c', '1', '-W', '5', 'cache')).toMatchObject({ exit: 0 });
  });
});
