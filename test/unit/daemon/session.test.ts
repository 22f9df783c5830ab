import { describe, expect, test } from '@jest/globals';
import type { Frame } from '../../../src/api/streams.ts';
import { createDetachFilter, parseDetachKeys } from '../../../src/engine/detach-keys.ts';
import { createEarlyAttach } from '../../../src/engine/early-attach.ts';
import { createSession, type SessionOptions } from '../../../src/engine/session.ts';

function connection(frames: AsyncIterable<Frame>) {
  const seen = { written: '', inputEnded: false, closed: 0 };
  return {
    seen,
    made: {
      output: frames,
      write: async (data: Uint8Array) => {
        seen.written += Buffer.from(data).toString();
      },
      endInput: () => {
        seen.inputEnded = true;
      },
      close: () => {
        seen.closed += 1;
      },
    },
  };
}
const options: Omit<SessionOptions, 'connection'> = { wants: () => true, takesInput: true, isAlive: () => true };
async function* numbers(count: number, onTaken: () => void = () => {}): AsyncGenerator<Frame> {
  for (let index = 0; index < count; index += 1) {
    onTaken();
    yield { stream: 'stdout', data: Buffer.alloc(65_536, index) };
  }
}

describe('sessions', () => {
  test('a slow reader holds the process back and gets everything', async () => {
    let taken = 0;
    const { made } = connection(numbers(100, () => (taken += 1)));
    const session = createSession({ ...options, connection: Promise.resolve(made) });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(taken).toBeLessThan(25);
    let bytes = 0;
    for await (const { data } of session.output) bytes += data.length;
    expect(bytes).toBe(100 * 65_536);
  });

  test('what a dead process has written is read to its end though nobody takes it', async () => {
    let taken = 0;
    const { made } = connection(numbers(100, () => (taken += 1)));
    createSession({ ...options, connection: Promise.resolve(made), isAlive: () => false });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(taken).toBe(100);
  });

  test('a close leaves the connection; of a process that outlives its session the output is read on', async () => {
    const first = connection(numbers(1));
    const session = createSession({ ...options, connection: Promise.resolve(first.made) });
    session.close();
    await session.write(Buffer.from('x')).catch((error) => expect(error.code).toBe('WRONG_STATE'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(first.seen.closed).toBe(1);
    let taken = 0;
    const second = connection(numbers(100, () => (taken += 1)));
    createSession({ ...options, connection: Promise.resolve(second.made), outlives: true }).close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(taken).toBe(100);
  });

  test('input before the start is passed on after it, in order, and the detach keys end the session', async () => {
    const waiting = Promise.withResolvers<ReturnType<typeof connection>['made']>();
    const { made, seen } = connection(
      (async function* () {
        await new Promise(() => {});
      })(),
    );
    const filterInput = createDetachFilter(parseDetachKeys('ctrl-p,ctrl-q'));
    const session = createSession({ ...options, connection: waiting.promise, filterInput });
    const writes = [session.write(Buffer.from('a\x10')), session.write(Buffer.from('b\x10\x10c'))];
    waiting.resolve(made);
    await Promise.all(writes);
    expect(seen.written).toBe('a\x10b\x10\x10c');
    await session.write(Buffer.from('\x10'));
    await session.write(Buffer.from('\x11'));
    expect(seen.closed).toBe(1);
  });
});

test('detach keys are letters and control keys', () => {
  expect([...parseDetachKeys('ctrl-p,ctrl-q')]).toEqual([16, 17]);
  expect([...parseDetachKeys('a,ctrl-@,ctrl-_')]).toEqual([97, 0, 31]);
  expect(() => parseDetachKeys('shift-x')).toThrow('Invalid detach keys (shift-x)');
});

test('a start waits for the sessions that wait for it, but not for ever', async () => {
  const early = createEarlyAttach({ patienceMs: 20 });
  const done: string[] = [];
  const actions = (name: string, attach: Promise<void>) => ({
    attach: async () => {
      await attach;
      done.push(name);
    },
    cancel: () => void done.push(`${name} cancelled`),
  });
  early.expect('a', actions('one', Promise.resolve()));
  early.expect('a', actions('stuck', new Promise(() => {})));
  const forget = early.expect('a', actions('forgotten', Promise.resolve()));
  forget();
  early.expect('b', actions('other', Promise.resolve()));
  await early.connect('a');
  early.cancel('b');
  await early.connect('b');
  expect(done).toEqual(['one', 'other cancelled']);
});
