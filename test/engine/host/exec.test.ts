import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLog } from '../../../src/common/log.ts';
import { createExec } from '../../../src/host/exec-process.ts';
import { processInfo } from '../../../src/host/proc.ts';
import type { Exec, ExecHandle } from '../../../src/host/runtime-port.ts';
import { openTinyHost, readUntil, skipReason, type TinyHost, tinyProcess } from './tiny-host.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

describe.each(['crun', 'runc'])('further processes by %s', (name) => {
  const check = skipReason === undefined ? test : test.skip;
  let host: TinyHost;
  let id: string;
  let exec: Exec;
  beforeAll(async () => {
    if (skipReason !== undefined) return;
    host = await openTinyHost(name);
    exec = createExec({ runtime: host.runtime, dir: join(host.dir, 'exec'), log: createLog('warn') });
    ({ id } = await host.create(host.spec(['sleep', '1000'])));
    await host.runtime.start(id);
  });
  afterAll(() => host?.close());

  const start = (args: string[], options: { stdin?: boolean; rows?: number; columns?: number; tty?: boolean } = {}) => {
    const { tty, ...rest } = options;
    return exec({ id, process: tinyProcess(args, { terminal: tty ?? false }), stdin: false, ...rest });
  };
  const until = (handle: ExecHandle, pattern: RegExp) => readUntil(handle, (text) => pattern.test(text));

  check('outputs are told apart and the exit code is exact', async () => {
    const handle = await start(['sh', '-c', 'echo out; echo err >&2; exit 9']);
    const seen: string[] = [];
    for await (const { stream, data } of handle.output) seen.push(`${stream}: ${Buffer.from(data)}`);
    expect(seen.sort()).toEqual(['stderr: err\n', 'stdout: out\n']);
    expect(await handle.exit).toBe(9);
    expect(readdirSync(join(host.dir, 'exec'))).toEqual([]);
  });

  check('a signal is 128 + n, a missing program 127, one that cannot run 126', async () => {
    expect(await (await start(['sh', '-c', 'kill -TERM $$'])).exit).toBe(143);
    expect(await (await start(['no-such-program'])).exit).toBe(127);
    expect(await (await start(['/bin/plain'])).exit).toBe(126);
    expect(await (await start(['/bin/broken'])).exit).toBe(126);
    expect(await (await start(['no-such-program'], { tty: true })).exit).toBe(127);
  });

  check('input goes through to its end', async () => {
    const handle = await start(['cat'], { stdin: true });
    const payload = Buffer.alloc(3_000_000, 'abcdefghi\n');
    const reading = readUntil(handle);
    await handle.write(payload);
    handle.endInput();
    expect((await reading).length).toBe(payload.length);
    expect(await handle.exit).toBe(0);
  });

  check("a process without input reads its end, and the host's /dev/null stays the host's", async () => {
    const process = { ...tinyProcess(['cat'], { terminal: false }), user: { uid: 123, gid: 123 } };
    expect(await (await exec({ id, process, stdin: false })).exit).toBe(0);
    expect(statSync('/dev/null').uid).toBe(0);
  });

  check('a reader that stops reading holds the process back', async () => {
    const handle = await start(['sh', '-c', 'seq 1 1000000; echo end']);
    const iterator = handle.output[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(processInfo(handle.pid)).toBeDefined();
    let last = '';
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      last = Buffer.from(next.value.data).toString();
    expect(last).toMatch(/end\n$/);
  });

  check('a terminal is a terminal: name, first size, later size, keys, exit code', async () => {
    // crun sets the size when the process is already on its way.
    const script = 'tty; until [ "$(stty size 2>/dev/null)" ]; do :; done; stty size; read line; stty size; sleep 100';
    const handle = await start(['sh', '-c', script], { tty: true, stdin: true, rows: 33, columns: 99 });
    expect(await until(handle, /33 99/)).toMatch(/\/dev\/pts\/\d+\r\n33 99/);
    await handle.resize(40, 121);
    const second = await exec({ id, process: tinyProcess(['true']), stdin: false }).then((other) => other.exit);
    expect(second).not.toBe(0);
    await handle.write(Buffer.from('\n'));
    handle.kill(9);
    expect(await handle.exit).toBe(137);
  });

  check('a terminal that was resized tells its process', async () => {
    const script = 'trap "stty size; exit 6" WINCH; echo ready; while :; do sleep 0.05; done';
    const handle = await start(['sh', '-c', script], { tty: true, stdin: true });
    let text = '';
    for await (const { data } of handle.output) {
      text += Buffer.from(data).toString();
      if (text.trim() === 'ready') await handle.resize(40, 121);
    }
    expect(text).toContain('40 121');
    expect(await handle.exit).toBe(6);
  });

  check('keys of a terminal are signals', async () => {
    const handle = await start(['sh', '-c', 'echo ready; sleep 100'], { tty: true, stdin: true });
    const reading = until(handle, /ready/);
    await reading;
    await handle.write(Buffer.from([3]));
    expect(await handle.exit).toBe(130);
  });

  check('a process is killed, and a heir of its streams does not hold up the end', async () => {
    const handle = await start(['sh', '-c', 'sleep 100 & sleep 100']);
    while (handle.pid === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    handle.kill(15);
    expect(await handle.exit).toBe(143);
    await readUntil(handle);
  });
});
