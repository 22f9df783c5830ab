import { type Answer, decode, encode, type Packet, type Question, TRUNCATED_RESPONSE } from 'dns-packet';
import type { ZoneAnswer } from './dns-zone.ts';

const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const AUTHORITATIVE = 0x0400;
const headerBytes = 12;
/** Short, since containers come and go; rotation works only where clients ask again. */
const ownTtlSeconds = 5;
/** What a client takes over UDP without saying more. */
const plainUdpBytes = 512;
const advertisedUdpBytes = 1232;

export const rcode = { formatError: 1, serverFailure: 2, notImplemented: 4, refused: 5 } as const;

export interface Query {
  readonly question: Question;
  readonly packet: Packet;
  /** What the client takes over UDP. */
  readonly udpBytes: number;
}

/** A query of one question, or undefined where it is none. */
export function parseQuery(message: Buffer): Query | undefined {
  try {
    const packet = decode(message);
    const [question, ...more] = packet.questions ?? [];
    if (packet.type !== 'query' || !question || more.length > 0) return undefined;
    const option = packet.additionals?.find((record) => record.type === 'OPT');
    const udpBytes = Math.max(option?.udpPayloadSize ?? 0, plainUdpBytes);
    return { question, packet, udpBytes };
  } catch {
    return undefined;
  }
}

/** Our answer to a query, cut (with the flag that makes the client ask by TCP) where it exceeds `limitBytes`. */
export function renderAnswer(query: Query, answer: ZoneAnswer, limitBytes: number): Buffer {
  const whole = encode(response(query, answersOf(query.question, answer)));
  if (whole.length <= limitBytes) return whole;
  const cut = response(query, []);
  return encode({ ...cut, flags: (cut.flags ?? 0) | TRUNCATED_RESPONSE });
}

/** An answer that is only an error. Works for any message that has a header. */
export function renderError(message: Buffer, code: number): Buffer | undefined {
  if (message.length < headerBytes) return undefined;
  const end = questionEnd(message);
  const reply = Buffer.from(message.subarray(0, end ?? headerBytes));
  const flags = (message.readUInt16BE(2) & (0x7800 | RECURSION_DESIRED)) | RESPONSE | RECURSION_AVAILABLE | code;
  reply.writeUInt16BE(flags, 2);
  reply.writeUInt16BE(end === undefined ? 0 : 1, 4);
  reply.fill(0, 6, headerBytes);
  return reply;
}

function response(query: Query, answers: Answer[]): Packet {
  const desired = (query.packet.flags ?? 0) & RECURSION_DESIRED;
  const extended = query.packet.additionals?.some((record) => record.type === 'OPT');
  const option = {
    type: 'OPT' as const,
    name: '.',
    udpPayloadSize: advertisedUdpBytes,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  return {
    type: 'response',
    id: query.packet.id ?? 0,
    flags: desired | RECURSION_AVAILABLE | AUTHORITATIVE,
    questions: [query.question],
    answers,
    additionals: extended ? [option] : [],
  };
}

/** No record of the type asked for is an empty answer, not "no such name": musl would give up on the name. */
function answersOf(question: Question, answer: ZoneAnswer): Answer[] {
  const common = { name: question.name, ttl: ownTtlSeconds, class: 'IN' as const };
  const any = String(question.type) === 'ANY';
  if (answer.kind === 'pointer') {
    if (question.type !== 'PTR' && !any) return [];
    return answer.names.map((data) => ({ ...common, type: 'PTR', data }));
  }
  const four = question.type === 'A' || any ? answer.ipv4 : [];
  const six = question.type === 'AAAA' || any ? answer.ipv6 : [];
  return [
    ...four.map((data): Answer => ({ ...common, type: 'A', data })),
    ...six.map((data): Answer => ({ ...common, type: 'AAAA', data })),
  ];
}

/** Where the only question of a message ends, or undefined. */
export function questionEnd(message: Buffer): number | undefined {
  if (message.length < headerBytes || message.readUInt16BE(4) !== 1) return undefined;
  const end = skipName(message, headerBytes);
  return end === undefined || end + 4 > message.length ? undefined : end + 4;
}

/** Places of the time-to-live of all records but OPT, or undefined where the message is damaged. */
export function ttlOffsets(message: Buffer): readonly number[] | undefined {
  let at = questionEnd(message);
  if (at === undefined) return undefined;
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  const offsets: number[] = [];
  for (let record = 0; record < count; record += 1) {
    const name = skipName(message, at);
    if (name === undefined || name + 10 > message.length) return undefined;
    if (message.readUInt16BE(name) !== 41) offsets.push(name + 4);
    at = name + 10 + message.readUInt16BE(name + 8);
    if (at > message.length) return undefined;
  }
  return offsets;
}

function skipName(message: Buffer, from: number): number | undefined {
  for (let at = from; at < message.length; ) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += length + 1;
  }
  return undefined;
}
