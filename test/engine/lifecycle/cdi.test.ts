import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestRoot, isRoot, run, type TestEngine, type TestRoot } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('devices of vendors (needs root)', () => {
  let root: TestRoot;
  let t: TestEngine;
  beforeAll(async () => {
    root = createTestRoot();
    t = await root.open();
  });
  const dirs = () => t.context.settings.cdiSpecDirs;
  const write = (index: number, name: string, content: unknown) => {
    const dir = dirs()[index] ?? '';
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  };
  afterEach(() => {
    for (const dir of dirs()) rmSync(dir, { recursive: true, force: true });
  });
  afterAll(() => root.destroy());
  const asking = (...DeviceIDs: string[]) => ({ HostConfig: { DeviceRequests: [{ Driver: 'cdi', DeviceIDs }] } });

  test('a device brings nodes, mounts, variables, groups and hooks, and its vendor’s own once', async () => {
    const tools = join(root.dir, 'tools');
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(tools, 'hello'), 'from the host\n');
    const hooked = join(root.dir, 'hooked');
    write(
      0,
      'vendor.yaml',
      `cdiVersion: 0.7.0
kind: vendor.com/gadget
containerEdits:
  env: [VENDOR=yes]
  mounts: [{hostPath: ${tools}, containerPath: /opt/vendor, options: [ro, nosuid, bind]}]
  hooks: [{hookName: poststart, path: /bin/sh, args: [sh, -c, "cat > /dev/null; echo started >> ${hooked}"]}]
devices:
- name: one
  containerEdits:
    env: [GADGET=1]
    additionalGids: [4242]
    deviceNodes: [{path: /dev/gadget1, hostPath: /dev/zero, permissions: rw}]
- name: two
  containerEdits:
    deviceNodes: [{path: /dev/gadget2, type: c, major: 1, minor: 5, fileMode: 384}]
`,
    );
    const script = `echo $VENDOR $GADGET; cat /opt/vendor/hello; head -c 3 /dev/gadget1 | wc -c; ls -l /dev/gadget2; id -G
      touch /opt/vendor/x 2>/dev/null || echo read-only`;
    const { text } = await run(t.engine, script, asking('vendor.com/gadget=one', 'vendor.com/gadget=two'));
    const lines = text.trim().split('\n');
    expect(lines.slice(0, 3)).toEqual(['yes 1', 'from the host', '3']);
    expect(lines[3]).toMatch(/^crw-------\s.*\s1,\s+5 .*\/dev\/gadget2$/);
    expect(lines[4]?.split(' ')).toContain('4242');
    expect(lines[5]).toBe('read-only');
    expect(readFileSync(hooked, 'utf8')).toBe('started\n');
  });

  test('of two directories the later one counts, and what is no specification is none', async () => {
    const spec = (value: string) => ({
      cdiVersion: '0.6.0',
      kind: 'a.com/b',
      devices: [{ name: 'c', containerEdits: { env: [`WHICH=${value}`] } }],
    });
    write(0, 'a.json', spec('first'));
    write(1, 'a.json', spec('second'));
    write(1, 'broken.json', '{');
    write(1, 'newer.json', { ...spec('third'), devices: [{ name: 'c', containerEdits: { unheardOf: {} } }] });
    expect((await run(t.engine, 'echo $WHICH', asking('a.com/b=c'))).text).toBe('second\n');
  });

  test.each([
    [{ Driver: 'cdi', DeviceIDs: ['a.com/b=c'] }, 'CDI device injection failed: unresolvable CDI devices a.com/b=c'],
    [{ Driver: 'cdi', Count: 1 }, 'unexpected count in CDI device request'],
    [{ Driver: 'cdi', Options: { a: 'b' } }, 'unexpected options in CDI device request'],
    [{ Count: -1, Capabilities: [['gpu']] }, 'could not select device driver "" with capabilities: [[gpu]]'],
  ])('%j ends the start in Docker’s words', async (request, message) => {
    await expect(run(t.engine, 'true', { HostConfig: { DeviceRequests: [request] } })).rejects.toThrow(message);
  });
});
