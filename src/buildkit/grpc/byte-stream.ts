import { Duplex } from 'node:stream';
import type { Channel } from './client.ts';
import { bytes, type DraftOf, type MessageOf, message, one } from './protobuf.ts';

/** `BytesMessage`, which several of BuildKit's services send bare bytes in. */
export const bytesMessage = message({ data: one(1, bytes) });
export type BytesChannel = Pick<
  Channel<DraftOf<typeof bytesMessage>, MessageOf<typeof bytesMessage>>,
  'send' | 'end' | 'received' | 'cancel'
>;

/** Bytes both ways over a call, at the pace of whoever reads. */
export function byteStreamOver(channel: BytesChannel): Duplex {
  const received = channel.received[Symbol.asyncIterator]();
  return new Duplex({
    read() {
      received.next().then(
        ({ done, value }) => this.push(done ? null : Buffer.from(value.data)),
        (error) => this.destroy(error),
      );
    },
    write(data: Buffer, _encoding, callback) {
      channel.send({ data }).then(() => callback(), callback);
    },
    final(callback) {
      channel.end();
      callback();
    },
    destroy(error, callback) {
      channel.cancel();
      callback(error);
    },
  });
}
