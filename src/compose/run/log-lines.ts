import type { Frame } from '../../api/streams.ts';

export interface TimedLine {
  readonly stream: Frame['stream'];
  /** RFC 3339 with nanoseconds, as the engine writes it; equal lengths, so it sorts as text. */
  readonly time: string;
  readonly text: string;
}

const stamp = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) /;

/** Cuts frames of a log with timestamps into lines. A last line without a line end counts. */
export async function* timedLines(frames: AsyncIterable<Frame>): AsyncGenerator<TimedLine> {
  const open = new Map<Frame['stream'], string>();
  for await (const { stream, data } of frames) {
    const before = open.get(stream) ?? '';
    let text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
    if (before !== '') text = text.replace(stamp, ''); // a long line comes in pieces, each with its own time
    const lines = (before + text).split('\n');
    open.set(stream, lines.pop() ?? '');
    for (const line of lines) yield cut(stream, line);
  }
  for (const [stream, rest] of open) if (rest !== '') yield cut(stream, rest);
}

function cut(stream: Frame['stream'], line: string): TimedLine {
  const time = stamp.exec(line)?.[0] ?? '';
  return { stream, time: time.trimEnd(), text: line.slice(time.length).replace(/\r$/, '') };
}

/** Joins sorted sources into one, in the order of their times; at most one line of each is held. */
export async function* mergeByTime<T extends { readonly time: string }>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<T> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
  for (;;) {
    let first = -1;
    for (const [at, head] of heads.entries()) {
      const best = first < 0 ? undefined : heads[first];
      if (!head.done && (!best || best.done || head.value.time < best.value.time)) first = at;
    }
    const head = heads[first];
    if (!head || head.done) return;
    yield head.value;
    heads[first] = await (iterators[first] as AsyncIterator<T>).next();
  }
}
