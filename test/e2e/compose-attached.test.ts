import { expect, test } from '@jest/globals';
import { describeOnEngines, idle } from '../support/compose-engines.ts';
import type { DockerProject } from '../support/docker-engine.ts';

describeOnEngines('up, attached', (make) => {
  const withProject = async (label: string, file: string, body: (project: DockerProject) => Promise<void>) => {
    const project = make(label);
    project.write({ 'compose.yaml': file });
    try {
      await body(project);
    } finally {
      await project.dispose();
    }
  };

  test('shows what a container writes while others wait for its end', () =>
    withProject(
      'live',
      `
services:
  job: {image: "busybox:latest", command: "sh -c 'echo ready; until test -e /go/on; do sleep 0.1; done'", volumes: ["./go:/go"]}
  web: {image: "busybox:latest", command: echo served, depends_on: {job: {condition: service_completed_successfully}}}
`,
      async (project) => {
        project.write({ 'go/.keep': '' });
        const up = project.start('up', '--menu=false');
        await up.until(/^job-1 {2}\| ready$/m);
        expect(await project.states()).toMatchObject({ 'job-1': 'running', 'web-1': 'created' });
        project.write({ 'go/on': '' });
        const { exit, stdout } = await up.end('none');
        expect(exit).toBe(0);
        expect(stdout).toBe(
          'Attaching to job-1, web-1\njob-1  | ready\njob-1 exited with code 0\nweb-1  | served\nweb-1 exited with code 0\n',
        );
      },
    ));

  test('ends with the services that were named, and leaves alone what they depend on', () =>
    withProject(
      'named',
      `
services:
  web: {image: "busybox:latest", command: echo served, depends_on: [db]}
  app: {image: "busybox:latest", ${'command: sh -c "echo ready; sleep 60"'}, init: true, depends_on: [db]}
  db: {image: "busybox:latest", ${idle}}
`,
      async (project) => {
        expect(project.compose('up', '--attach-dependencies', 'web')).toMatchObject({
          exit: 0,
          stdout: 'Attaching to db-1, web-1\nweb-1  | served\nweb-1 exited with code 0\n',
        });
        expect((await project.interrupted(['up', 'app'], /ready/)).exit).toBe(130);
        expect(await project.states()).toEqual({ 'web-1': 'exited', 'app-1': 'exited', 'db-1': 'running' });
      },
    ));

  test('fails with what a dependency wrote, once', () =>
    withProject(
      'fails',
      `
services:
  job: {image: "busybox:latest", command: "sh -c 'echo broken; exit 4'"}
  web: {image: "busybox:latest", ${idle}, depends_on: {job: {condition: service_completed_successfully}}}
`,
      async (project) => {
        const { exit, stdout } = project.compose('up');
        expect({ exit, stdout }).toEqual({
          exit: 1,
          stdout: 'Attaching to job-1, web-1\njob-1  | broken\njob-1 exited with code 4\n',
        });
      },
    ));
});
