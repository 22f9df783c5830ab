import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('disk space by the command line', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  const df = () =>
    Object.fromEntries(
      engine
        .iechor(['system', 'df', '--format', '{{.Type}}={{.TotalCount}} {{.Active}}'])
        .stdout.trim()
        .split('\n')
        .map((line) => line.split('=')),
    );
  const build = (tag: string, text: string) => {
    const dir = join(engine.dir, `context-${tag}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'iEchorfile'), `FROM busybox\nRUN echo ${text} > /text\n`);
    expect(engine.iechor(['build', '-q', '-t', tag, dir]).exit).toBe(0);
  };

  test('df counts what there is, and prune removes just what nothing uses', () => {
    build('kept', 'kept');
    build('gone', 'gone');
    engine.iechor(['rmi', 'gone']);
    engine.iechor(['run', '--name', 'ended', '-v', '/anonymous', 'busybox', 'true']);
    engine.iechor(['run', '-d', '--name', 'runs', '-v', 'named:/v', 'busybox', 'sleep', '600']);
    engine.iechor(['network', 'create', 'unused']);
    expect(df()).toEqual({ Images: '2 1', Containers: '2 1', 'Local Volumes': '2 2', 'Build Cache': '2 0' });
    expect(engine.iechor(['system', 'df', '-v']).stdout).toContain('RUN /bin/sh -c echo gone');

    expect(engine.iechor(['system', 'prune']).exit).toBe(1);
    expect(df().Containers).toBe('2 1');
    const pruned = engine.iechor(['system', 'prune', '-f', '--volumes']);
    expect(pruned.stdout).toMatch(/Deleted Containers:\n[0-9a-f]{64}\n/);
    expect(pruned.stdout).toContain('Deleted Networks:\nunused\n');
    expect(pruned.stdout).toMatch(/Total reclaimed space: .+B\n$/);
    expect(df()).toEqual({ Images: '2 1', Containers: '1 1', 'Local Volumes': '1 1', 'Build Cache': '1 0' });

    build('kept', 'kept');
    expect(engine.iechor(['history', '--format', '{{.ID}}', 'kept']).exit).toBe(0);
    expect(engine.iechor(['system', 'prune', '-af']).exit).toBe(0);
    expect(df()).toEqual({ Images: '1 1', Containers: '1 1', 'Local Volumes': '1 1', 'Build Cache': '0 0' });
    expect(engine.iechor(['exec', 'runs', 'true']).exit).toBe(0);
    for (const noun of ['container', 'image', 'network', 'volume', 'builder'])
      expect(engine.iechor([noun, 'prune', '-f']).stdout).toBe('Total reclaimed space: 0B\n');
  });

  test('what the cache of builds holds is told in full, also as it goes', () => {
    build('other', 'other');
    expect(engine.iechor(['builder', 'du']).stdout).toMatch(/\n[0-9a-f]{25} +false +\S+\* +.+ ago\n/);
    const pruned = engine.iechor(['builder', 'prune', '-af', '--verbose']).stdout;
    expect(pruned).toMatch(/^ID: +[0-9a-f]{64}\n(.+\n)+Description: +RUN .+echo other > .text\n(.+\n)+\nTotal recl/);
    expect(engine.iechor(['builder', 'du', '--format', '{{.ID}}']).stdout).not.toMatch(/^[0-9a-f]{25}$/m);
  });

  test('the directories of cache mounts count in the build cache, and go with it', () => {
    const dir = join(engine.dir, 'context-mounted');
    mkdirSync(dir, { recursive: true });
    const mount = '--mount=type=cache,target=/c,id=packages';
    writeFileSync(join(dir, 'iEchorfile'), `FROM busybox\nRUN ${mount} dd if=/dev/zero of=/c/file bs=1M count=5\n`);
    expect(engine.iechor(['build', '-q', '-t', 'mounted', dir]).exit).toBe(0);
    expect(engine.iechor(['system', 'df', '-v']).stdout).toMatch(
      /exec\.cachemount +5\.24MB .* cached mount \/c with id "packages"/,
    );
    expect(engine.iechor(['builder', 'prune', '-f', '--filter', 'type=exec.cachemount']).stdout).toMatch(/5\.24MB\n$/);
    expect(engine.iechor(['system', 'df', '-v']).stdout).not.toContain('exec.cachemount');
  });
});
