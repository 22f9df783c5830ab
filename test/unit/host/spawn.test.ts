import { describe, expect, test } from '@jest/globals';
import { run } from '../../../src/host/spawn.ts';

describe('run', () => {
  test('gives the program its input, environment and directory, and returns its status and both outputs apart', async () => {
    const result = await run('sh', ['-c', 'cat; echo "$PWD $X" >&2; exit 3'], {
      input: 'in',
      cwd: '/usr',
      env: { X: 'y', PATH: '/usr/bin:/bin' },
      okStatus: [3],
    });
    expect(result).toEqual({ status: 3, stdout: 'in', stderr: '/usr y\n' });
  });

  test('an unexpected status is HOST_COMMAND_FAILED with the command and the last line on stderr', async () => {
    await expect(run('sh', ['-c', 'echo first >&2; echo last >&2; exit 1'])).rejects.toMatchObject({
      code: 'HOST_COMMAND_FAILED',
      message: expect.stringMatching(/^sh -c .*: last \(status 1\)$/),
    });
  });

  test('a program that is not there is named', async () => {
    await expect(run('no-such-program', [])).rejects.toMatchObject({
      code: 'HOST_COMMAND_FAILED',
      cause: { code: 'ENOENT' },
    });
  });

  test('a signal is reported as 128 + n', async () => {
    expect((await run('sh', ['-c', 'kill -TERM $$'], { okStatus: [143] })).status).toBe(143);
  });

  test('megabytes go through both ways', async () => {
    const result = await run('cat', [], { input: Buffer.alloc(3_000_000, 'x') });
    expect(result.stdout.length).toBe(3_000_000);
  });

  test('an abort kills the program', async () => {
    const abort = new AbortController();
    const running = run('sleep', ['30'], { signal: abort.signal });
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('a daemon left behind does not hold the call', async () => {
    expect((await run('sh', ['-c', 'echo done; sleep 2 &'])).stdout).toBe('done\n');
  });

  test('the program inherits three descriptors and default signal dispositions', async () => {
    const { stdout } = await run('sh', ['-c', 'ls /proc/$$/fd; grep SigIgn /proc/$$/status']);
    expect(stdout.trim().split(/\s+/)).toEqual(['0', '1', '2', 'SigIgn:', '0000000000000000']);
  });
});
