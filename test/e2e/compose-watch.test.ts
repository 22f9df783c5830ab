import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeOnEngines, idle } from '../support/compose-engines.ts';
import type { DockerProject, Running } from '../support/docker-engine.ts';
import { eventually } from '../support/private-engine.ts';

describeOnEngines('watching files', (make) => {
  let project: DockerProject;
  let watching: Running | undefined;
  const at = (name: string) => join(project.dir, name);
  const inside = (script: string) => project.compose('exec', '-T', 'web', 'sh', '-c', script).stdout;

  beforeEach(() => {
    project = make('watch');
    project.write({
      'web/Dockerfile': 'FROM busybox:latest\nCOPY src /app\n',
      'web/src/page': 'one',
      'web/.dockerignore': '**/*.log\n',
      'compose.yaml': `
services:
  web:
    build: ./web
    ${idle}
    develop:
      watch:
        - {path: ./web/src, action: sync, target: /app, ignore: [node_modules/]}
        - {path: ./web/conf, action: sync+restart, target: /conf}
        - {path: ./web/hook, action: sync+exec, target: /hook, exec: {command: ["sh", "-c", "echo reloaded $$(cat /hook/a)"]}}
        - {path: ./web/Dockerfile, action: rebuild}
`,
    });
  });
  afterEach(async () => {
    await watching?.end();
    watching = undefined;
    await project.dispose();
  });

  test('what is written, renamed and deleted shows in the running container, what is ignored does not', async () => {
    watching = project.start('watch');
    await watching.until(/Watch enabled/);
    project.write({
      'web/src/page': 'two',
      'web/src/deep/new': 'n',
      'web/src/node_modules/x': 'x',
      'web/src/a.log': 'log',
      'web/src/last': 'l',
    });
    await eventually('the files are there', () => inside('cat /app/page /app/deep/new /app/last') === 'twonl');
    renameSync(at('web/src/deep'), at('web/src/moved'));
    rmSync(at('web/src/last'));
    await eventually(
      'the old ones are gone',
      () => inside('cd /app && find . -type f | sort') === './moved/new\n./page\n',
    );
    inside('mkdir /else && ln -s /else /app/linked');
    project.write({ 'web/src/linked/new': 'l' });
    await eventually('it went through the link', () => inside('test -L /app/linked && cat /else/new') === 'l');
    expect((await watching.end()).exit).toBe(130);
  });

  test('sync+restart restarts, sync+exec runs its command and shows what that wrote, rebuild makes the container anew', async () => {
    watching = project.start('watch');
    await watching.until(/Watch enabled/);
    mkdirSync(at('web/hook'));
    project.write({ 'web/hook/a': 'yes' });
    await watching.until(/reloaded yes/);
    const container = project.compose('ps', '-q', 'web').stdout;
    project.write({ 'web/conf/a': 'c' });
    await watching.until(/service\(s\) \["web"\] restarted/);
    expect(project.compose('ps', '-q', 'web').stdout).toBe(container);
    project.write({ 'web/Dockerfile': 'FROM busybox:latest\nCOPY src /app\nRUN echo built > /built\n' });
    await watching.until(/successfully built/);
    await eventually('the new image runs', () => inside('cat /built') === 'built\n');
    expect(project.compose('ps', '-q', 'web').stdout).not.toBe(container);
  });

  test('up --watch shows logs and watches; initial_sync brings what changed since the build', async () => {
    project.write({
      'compose.yaml': `
services:
  web:
    build: ./web
    command: sh -c 'trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done'
    develop: {watch: [{path: ./web/src, action: sync, target: /app, initial_sync: true}]}
`,
    });
    expect(project.compose('build', '-q').exit).toBe(0);
    project.write({ 'web/src/page': 'since the build' });
    watching = project.start('up', '--watch');
    await watching.until(/web-1 +\| ready/);
    await watching.until(/Watch enabled/);
    expect(inside('cat /app/page')).toBe('since the build');
    project.write({ 'web/src/page': 'live' });
    await eventually('the change is there', () => inside('cat /app/page') === 'live');
    expect((await watching.end()).exit).toBe(130);
    expect(await project.states()).toEqual({ 'web-1': 'exited' });
  });

  test('what cannot be watched is said at once', () => {
    project.write({
      'none.yaml': 'services: {a: {image: "busybox:latest"}}\n',
      'unbuilt.yaml': 'services: {a: {image: x, develop: {watch: [{path: ., action: rebuild}]}}}\n',
    });
    expect(project.compose('-f', 'none.yaml', 'watch')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('none of the selected services is configured for watch'),
    });
    expect(project.compose('-f', 'unbuilt.yaml', 'watch').stderr).toContain('without a build context');
    expect(project.compose('up', '--watch', '-d')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('--watch'),
    });
  });
});
