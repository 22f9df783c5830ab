import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { describeWithContainers } from '../support/needs.ts';
import {
  createPrivateEngine,
  eventually,
  importBusybox,
  type PrivateEngine,
  type Ran,
  tracesOf,
} from '../support/private-engine.ts';
import { shopProject, writeProject } from '../support/projects.ts';

describeWithContainers('a project from compose.yaml', () => {
  let engine: PrivateEngine;
  let dir: string;
  let port: number;
  const compose = (...args: string[]): Ran => engine.iechor(['compose', ...args], { cwd: dir });
  const page = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/index.html`)).text();
  /** A container runs before its server listens. */
  const pageIs = (text: string) =>
    eventually(`the page is ${text}`, async () => (await page().catch(() => '')) === text);
  const ids = (): string => compose('ps', '-aq').stdout;

  beforeAll(async () => {
    engine = createPrivateEngine();
    importBusybox(engine);
    port = await freePort();
    dir = writeProject(engine, 'shop', shopProject(port));
  });
  afterAll(() => engine.dispose());

  test('up --dry-run prints a plan with a reason for every step and changes nothing', () => {
    const plan = compose('--dry-run', 'up', '-d');
    expect(plan.exit).toBe(0);
    expect(plan.stdout + plan.stderr).toMatch(/createContainer\s+container:backend:1\s+\S+/);
    expect(engine.iechor(['ps', '-aq']).stdout).toBe('');
    expect(engine.iechor(['network', 'ls', '--format', '{{.Name}}']).stdout).not.toContain('shop_');
  });

  test('up builds, creates and starts everything in the order of the health checks', async () => {
    expect(compose('up', '-d')).toMatchObject({ exit: 0 });
    await pageIs('welcome\n');
    expect(compose('ps', '--format', '{{.Service}} {{.State}}').stdout.trim().split('\n').sort()).toEqual([
      'backend running',
      'database running',
      'web running',
    ]);
  });

  test('up again changes nothing', () => {
    const first = ids();
    expect(compose('up', '-d').exit).toBe(0);
    expect(ids()).toBe(first);
  });

  test('services reach each other by name on shared networks only', () => {
    const reaches = (service: string, url: string, seconds = 60) =>
      compose('exec', '-T', service, 'timeout', String(seconds), 'wget', '-qO-', url).exit === 0;
    expect(reaches('web', 'http://backend:9000/tmp/ready')).toBe(true);
    expect(reaches('backend', 'http://database:5432/etc/passwd')).toBe(true);
    expect(reaches('web', 'http://database:5432/etc/passwd')).toBe(false);
    const address = engine
      .iechor(['inspect', '-f', '{{.NetworkSettings.Networks.shop_back.IPAddress}}', 'shop-database-1'])
      .stdout.trim();
    expect(reaches('web', `http://${address}:5432/etc/passwd`, 2)).toBe(false);
  });

  test('names and labels are those of Docker Compose', () => {
    const labels = JSON.parse(
      engine.iechor(['inspect', '-f', '{{json .Config.Labels}}', 'shop-web-1']).stdout,
    ) as Record<string, string>;
    expect(labels).toMatchObject({
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '1',
      'com.docker.compose.oneoff': 'False',
      'com.docker.compose.project.working_dir': dir,
    });
    expect(engine.iechor(['volume', 'ls', '-q']).stdout.split('\n')).toContain('shop_pages');
  });

  test('a change of one service recreates that service alone, and the reason names the attribute', () => {
    writeFileSync(join(dir, 'compose.override.yaml'), 'services:\n  database:\n    environment: {LEVEL: debug}\n');
    const plan = compose('--dry-run', 'up', '-d');
    expect(plan.stdout + plan.stderr).toMatch(/container:database:1.*environment\.LEVEL.*compose\.override\.yaml:3/);
    const before = engine.iechor(['inspect', '-f', '{{.Id}}', 'shop-web-1', 'shop-database-1']).stdout.split('\n');
    expect(compose('up', '-d').exit).toBe(0);
    const after = engine.iechor(['inspect', '-f', '{{.Id}}', 'shop-web-1', 'shop-database-1']).stdout.split('\n');
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
  });

  test('scale adds and removes replicas', () => {
    expect(compose('scale', 'backend=3').exit).toBe(0);
    expect(compose('ps', '-q', 'backend').stdout.trim().split('\n')).toHaveLength(3);
    expect(compose('scale', 'backend=1').exit).toBe(0);
    expect(compose('ps', '-q', 'backend').stdout.trim().split('\n')).toHaveLength(1);
  });

  test("run starts a one-off container with the service's networks and passes its exit code", () => {
    expect(
      compose(
        'run',
        '--rm',
        '-T',
        'backend',
        'sh',
        '-c',
        'wget -qO- http://database:5432/etc/passwd >/dev/null && exit 4',
      ).exit,
    ).toBe(4);
    expect(engine.iechor(['ps', '-aq', '--filter', 'label=com.docker.compose.oneoff=True']).stdout).toBe('');
  });

  test('stop and start keep the containers; port and top answer', async () => {
    const first = ids();
    expect(compose('stop').exit).toBe(0);
    expect(compose('ps', '-q').stdout).toBe('');
    expect(compose('start').exit).toBe(0);
    expect(ids()).toBe(first);
    expect(compose('port', 'web', '8080').stdout.trim()).toBe(`127.0.0.1:${port}`);
    expect(compose('top', 'web').stdout).toContain('httpd');
    await pageIs('welcome\n');
  });

  test('secrets and configs have the owner and mode that the file names', () => {
    const files = {
      'compose.yaml': [
        'name: owned',
        'services:',
        '  app:',
        '    image: busybox',
        '    user: nobody',
        '    command: stat -c "%u:%g %a" /config /run/secrets/token',
        '    configs: [{source: one, target: /config, uid: "103", gid: "104", mode: 0440}]',
        '    secrets: [{source: token, mode: 0400}]',
        'configs: {one: {content: hello}}',
        'secrets: {token: {environment: TOKEN}}',
      ].join('\n'),
    };
    const owned = writeProject(engine, 'owned', files);
    const options = { cwd: owned, env: { TOKEN: 't' } };
    expect(engine.iechor(['up', '--no-log-prefix'], options).stdout).toContain('103:104 440\n0:0 400\n');
    expect(engine.iechor(['down'], options).exit).toBe(0);
  });

  test('a volume survives down and is gone after down -v', async () => {
    compose('exec', '-T', 'web', 'sh', '-c', 'echo changed > /www/index.html');
    expect(compose('down').exit).toBe(0);
    expect(engine.iechor(['ps', '-aq']).stdout).toBe('');
    expect(compose('up', '-d').exit).toBe(0);
    await pageIs('changed\n');
    expect(compose('down', '-v').exit).toBe(0);
    expect(compose('up', '-d').exit).toBe(0);
    await pageIs('welcome\n');
  });

  test('after down -v and the end of the engine nothing is left on the host', () => {
    expect(compose('down', '-v', '--rmi', 'local').exit).toBe(0);
    expect(engine.iechor(['volume', 'ls', '-q']).stdout).toBe('');
    expect(engine.iechor(['daemon', 'stop']).exit).toBe(0);
    expect(tracesOf(engine)).toEqual([]);
  });
});
