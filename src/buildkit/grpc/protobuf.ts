/**
 * Protocol Buffers (proto3) as far as gRPC services need them: messages are tables of fields, and their TypeScript
 * types follow from the tables. Unknown fields are skipped, absent ones have their default.
 */

/** Thrown for bytes that are no message. */
export class ProtobufError extends Error {}

type WireType = 0 | 1 | 2 | 5;

/** How one kind of value is written and read. */
export interface Codec<T, D = T> {
  readonly wire: WireType;
  /** What a field has that is not there; a function, since some are mutable. */
  absent(): T;
  isAbsent(value: D): boolean;
  write(to: Writer, value: D): void;
  read(from: Reader): T;
}

/** A field of a message: its number, and how its occurrences make a value. */
export interface Field<T, D = T> {
  readonly number: number;
  absent(): T;
  write(to: Writer, value: D): void;
  read(from: Reader, wire: number, before: T): T;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type Given<F> = F extends { write(to: Writer, value: infer D): void } ? D : never;
type Read<F> = F extends { absent(): infer T } ? T : never;
/** A decoded message: every field is there. */
export type Message<F> = { readonly [K in keyof F]: Read<F[K]> };
/** What may be given to be encoded: absent fields have their default. */
export type Draft<F> = { readonly [K in keyof F]?: Given<F[K]> | undefined };

export interface Encoder<D> {
  encode(value: D): Buffer;
}
export interface Decoder<T> {
  /** Throws ProtobufError. Byte fields share the memory of `data`. */
  decode(data: Uint8Array): T;
}
export interface MessageCodec<T, D = T> extends Codec<T, D>, Encoder<D>, Decoder<T> {}

/** Collects the bytes of a message. */
export class Writer {
  readonly #parts: Uint8Array[] = [];
  varint(value: bigint | number): void {
    if (value >= 0 && value < 0x80) {
      this.#parts.push(Uint8Array.of(Number(value)));
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 0x80);
    } while (rest !== 0n);
    this.#parts.push(Uint8Array.from(bytes));
  }
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    if (value.length > 0) this.#parts.push(value);
  }
  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Walks over the bytes of a message. */
export class Reader {
  readonly #data: Buffer;
  #at = 0;
  constructor(data: Uint8Array) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  get ended(): boolean {
    return this.#at >= this.#data.length;
  }
  /** As an unsigned number of 64 bits. */
  varint(): bigint {
    return BigInt(this.number());
  }
  /** The same, as a number where it fits into 28 bits, as most do. */
  number(): number | bigint {
    let value = 0;
    for (let shift = 1; shift < 2 ** 28; shift *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
    return this.#longVarint(BigInt(value));
  }
  #longVarint(low: bigint): bigint {
    let value = low;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a number is too long');
  }
  bytes(): Buffer {
    return this.take(Number(this.number()));
  }
  take(length: number): Buffer {
    if (length > this.#data.length - this.#at) throw new ProtobufError('a field is cut off');
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }
  skip(wire: number): void {
    if (wire === 0) this.number();
    else if (wire === 1) this.take(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.take(4);
    else throw new ProtobufError(`wire type ${wire} is not known`);
  }
  #byte(): number {
    const byte = this.#data[this.#at++];
    if (byte === undefined) throw new ProtobufError('a number is cut off');
    return byte;
  }
}

export const text: Codec<string> = {
  wire: 2,
  absent: () => '',
  isAbsent: (value) => value === '',
  write: (to, value) => to.bytes(Buffer.from(value)),
  read: (from) => from.bytes().toString('utf8'),
};

const none = Buffer.alloc(0);
export const bytes: Codec<Uint8Array> = {
  wire: 2,
  absent: () => none,
  isAbsent: (value) => value.length === 0,
  write: (to, value) => to.bytes(value),
  read: (from) => from.bytes(),
};

export const bool: Codec<boolean> = {
  wire: 0,
  absent: () => false,
  isAbsent: (value) => !value,
  write: (to, value) => to.varint(value ? 1 : 0),
  read: (from) => Number(from.number()) !== 0,
};

/** Any integer that a number holds exactly; signed, as int32 and int64 are. */
export const int: Codec<number> = {
  wire: 0,
  absent: () => 0,
  isAbsent: (value) => value === 0,
  write: (to, value) => to.varint(BigInt(Math.trunc(value))),
  read: (from) => {
    const value = from.number();
    return typeof value === 'number' ? value : Number(BigInt.asIntN(64, value));
  },
};

/** int64 where a number is too short, such as nanoseconds since the epoch. */
export const long: Codec<bigint> = {
  wire: 0,
  absent: () => 0n,
  isAbsent: (value) => value === 0n,
  write: (to, value) => to.varint(value),
  read: (from) => BigInt.asIntN(64, from.varint()),
};

/** A singular field with a default. */
export function one<T, D>(number: number, codec: Codec<T, D>): Field<T, D> {
  return {
    number,
    absent: codec.absent,
    write: (to, value) => {
      if (!codec.isAbsent(value)) writeOne(to, { number, codec }, value);
    },
    read: (from, wire) => readOne(from, codec, wire),
  };
}

/** A message field, or any field whose absence means something. */
export function maybe<T, D>(number: number, codec: Codec<T, D>): Field<T | undefined, D | undefined> {
  return {
    number,
    absent: () => undefined,
    write: (to, value) => {
      if (value !== undefined) writeOne(to, { number, codec }, value);
    },
    read: (from, wire) => readOne(from, codec, wire),
  };
}

/** A repeated field; numbers are also read packed. */
export function many<T, D>(number: number, codec: Codec<T, D>): Field<readonly T[], readonly D[]> {
  return {
    number,
    absent: () => [],
    write: (to, values) => {
      for (const value of values) writeOne(to, { number, codec }, value);
    },
    read: (from, wire, before) => {
      const values = before as T[];
      if (wire !== 2 || codec.wire === 2) values.push(readOne(from, codec, wire));
      else for (const packed = new Reader(from.bytes()); !packed.ended; ) values.push(codec.read(packed));
      return values;
    },
  };
}

/** A map field with names as its keys. */
export function dictionary<T, D>(
  number: number,
  codec: Codec<T, D>,
): Field<ReadonlyMap<string, T>, ReadonlyMap<string, D>> {
  const entry = message({ key: one(1, text), value: one(2, codec) });
  return {
    number,
    absent: () => new Map(),
    write: (to, values) => {
      for (const [key, value] of values) writeOne(to, { number, codec: entry }, { key, value });
    },
    read: (from, wire, before) => {
      const { key, value } = readOne(from, entry, wire);
      return (before as Map<string, T>).set(key, value);
    },
  };
}

function writeOne<T, D>(to: Writer, { number, codec }: { number: number; codec: Codec<T, D> }, value: D): void {
  to.varint(number * 8 + codec.wire);
  codec.write(to, value);
}

function readOne<T, D>(from: Reader, codec: Codec<T, D>, wire: number): T {
  if (wire !== codec.wire) throw new ProtobufError('a field has another type than it should');
  return codec.read(from);
}

/** The codec of a message, from its table of fields. */
export function message<F extends Fields>(fields: F): MessageCodec<Message<F>, Draft<F>> {
  const named = Object.entries(fields);
  const byNumber = new Map(named.map(([name, field]) => [field.number, { name, field }]));
  const absent = () => Object.fromEntries(named.map(([name, field]) => [name, field.absent()]));
  const encode = (value: Draft<F>): Buffer => {
    const to = new Writer();
    for (const [name, field] of named) {
      const given = value[name as keyof F];
      if (given !== undefined) field.write(to, given);
    }
    return to.finish();
  };
  const decode = (data: Uint8Array): Message<F> => {
    const from = new Reader(data);
    const values: Record<string, unknown> = absent();
    while (!from.ended) {
      const tag = Number(from.number());
      const known = byNumber.get(Math.floor(tag / 8));
      if (known) values[known.name] = known.field.read(from, tag % 8, values[known.name]);
      else from.skip(tag % 8);
    }
    return values as Message<F>;
  };
  return {
    wire: 2,
    absent: () => absent() as Message<F>,
    isAbsent: () => false,
    write: (to, value) => to.bytes(encode(value)),
    read: (from) => decode(from.bytes()),
    encode,
    decode,
  };
}

export type MessageOf<C> = C extends Decoder<infer T> ? T : never;
export type DraftOf<C> = C extends Encoder<infer D> ? D : never;
