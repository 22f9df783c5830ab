import { Readable } from 'node:stream';
import type { Api } from '../../src/api/route.ts';
import type { Frame, StreamSession } from '../../src/api/streams.ts';
import { IechorError } from '../../src/common/error.ts';

type Overrides = { [Op in keyof Api]?: Api[Op] };

/** An Api of which only what the test names works; the rest answers NOT_SUPPORTED. */
export function fakeApi(overrides: Overrides): Api {
  return new Proxy(overrides as Api, {
    get: (target, op) =>
      Reflect.get(target, op) ??
      (() => {
        throw new IechorError('NOT_SUPPORTED', `${String(op)} is not faked`);
      }),
  });
}

export const inspectOf = (options: { tty?: boolean; running?: boolean } = {}) =>
  (async () => ({
    State: { Running: options.running ?? true },
    Config: { Tty: options.tty ?? false },
  })) as unknown as Api['containerInspect'];

export const ping: Api['systemPing'] = async () => ({ apiVersion: '1.51', server: '', builderVersion: '1' });

/** A session that sends back what it gets, in upper case, on both streams; it ends with its input. */
export function echoSession(): StreamSession & { readonly closed: Promise<void> } {
  const lines = new Readable({ objectMode: true, read() {} });
  let isClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve;
  });
  return {
    output: lines as AsyncIterable<Frame>,
    write: async (data) => {
      const text = Buffer.from(data).toString().toUpperCase();
      lines.push({ stream: 'stdout', data: Buffer.from(text) });
      lines.push({ stream: 'stderr', data: Buffer.from('!') });
    },
    endInput() {
      lines.push({ stream: 'stdout', data: Buffer.from('bye') });
      lines.push(null);
    },
    close() {
      lines.destroy();
      isClosed();
    },
    closed,
  };
}
