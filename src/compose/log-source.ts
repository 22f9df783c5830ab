import type { EngineApi } from '../api/engine-api.ts';
import { codeOf } from '../common/error.ts';
import type { ObservedContainer } from './plan/observe.ts';
import { isContinuation } from './run/log-entries.ts';
import { type TimedLine, timedLines } from './run/log-lines.ts';

/** Who wrote a line. */
export interface Source {
  readonly name: string;
  readonly service: string;
  readonly number: number;
}
export interface LogLine extends TimedLine {
  readonly from: Source;
  /** Set on a line that goes on with the one before (a stack trace): it is ordered by that one's time. Its own time. */
  readonly written?: string;
  /** Set on the line that says that the container ended. */
  readonly exitCode?: number;
}

/** Lines that go on with the one before take its time, so that no line of another container comes between. */
async function* together(lines: AsyncIterable<TimedLine>): AsyncGenerator<TimedLine & Pick<LogLine, 'written'>> {
  const before = new Map<TimedLine['stream'], { time: string; text: string }>();
  for await (const line of lines) {
    const head = before.get(line.stream);
    const goesOn = head !== undefined && isContinuation(line.text, head.text);
    before.set(line.stream, { time: goesOn ? head.time : line.time, text: line.text });
    yield goesOn ? { ...line, time: head.time, written: line.time } : line;
  }
}

/** Containers whose log driver cannot be read are left out: there is nothing to show of them. */
export async function* linesOf(
  engine: EngineApi,
  container: Pick<ObservedContainer, 'id'> & Source,
  request: {
    tail?: string | undefined;
    since?: string | undefined;
    until?: string | undefined;
    follow?: boolean;
    signal: AbortSignal;
  },
): AsyncGenerator<LogLine> {
  const { id, name, service, number } = container;
  const from = { name, service, number };
  try {
    const frames = engine.containerLogs({ id, stdout: true, stderr: true, timestamps: true, ...request });
    for await (const line of together(timedLines(frames))) yield { ...line, from };
  } catch (error) {
    const code = codeOf(error);
    if (request.signal.aborted || code === 'CONTAINER_NOT_FOUND' || code === 'NOT_SUPPORTED') return;
    throw error;
  }
}
