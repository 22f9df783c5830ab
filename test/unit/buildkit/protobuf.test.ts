import { describe, expect, test } from '@jest/globals';
import {
  bool,
  bytes,
  dictionary,
  int,
  long,
  many,
  maybe,
  message,
  one,
  ProtobufError,
  text,
} from '../../../src/buildkit/grpc/protobuf.ts';

const inner = message({ name: one(1, text) });
const all = message({
  text: one(1, text),
  int: one(2, int),
  long: one(3, long),
  bool: one(4, bool),
  bytes: one(5, bytes),
  inner: maybe(6, inner),
  list: many(7, text),
  numbers: many(8, int),
  map: dictionary(9, text),
});

describe('Protocol Buffers', () => {
  test('what is encoded is decoded', () => {
    const value = {
      text: 'ä',
      int: -1,
      long: 1_795_261_110_270_942_350n,
      bool: true,
      bytes: Buffer.from([0, 255]),
      inner: { name: 'x' },
      list: ['a', '', 'b'],
      numbers: [0, 300, 2 ** 40],
      map: new Map([
        ['a', '1'],
        ['__proto__', '2'],
      ]),
    };
    expect(all.decode(all.encode(value))).toEqual(value);
  });

  test('the bytes are those of the specification', () => {
    expect(all.encode({ int: 150, text: 'testing', inner: { name: '' } }).toString('hex')).toBe(
      '0a0774657374696e67109601' + '3200',
    );
    expect(all.encode({ int: -1 }).toString('hex')).toBe('10ffffffffffffffffff01');
  });

  test('what is absent has its default, and is not encoded', () => {
    expect(all.encode({ text: '', int: 0, bool: false, list: [] })).toHaveLength(0);
    expect(all.decode(Buffer.alloc(0))).toMatchObject({ text: '', int: 0, long: 0n, inner: undefined, list: [] });
  });

  test('fields that are not known are skipped, and packed numbers are read', () => {
    const more = message({ text: one(1, text), extra: one(90, text), number: one(91, int) });
    expect(all.decode(more.encode({ text: 'a', extra: 'b', number: 7 })).text).toBe('a');
    expect(all.decode(Buffer.from('420301ac02', 'hex')).numbers).toEqual([1, 300]);
  });

  test.each([
    ['a cut-off length', '0a05616263'],
    ['a cut-off number', '10ff'],
    ['a number without end', '10ffffffffffffffffffffffff01'],
    ['another type than the field has', '0801'],
    ['a wire type that is not known', '9b05'],
  ])('%s is refused', (_what, hex) => {
    expect(() => all.decode(Buffer.from(hex, 'hex'))).toThrow(ProtobufError);
  });
});
