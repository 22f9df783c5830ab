import type { BuildSummary } from '../../api/types/image.ts';
import { formatBytes } from '../../common/bytes.ts';

const slowMs = 1000;
const slowestShown = 3;
/** A smaller context costs nothing that one could feel. */
const worthBytes = 20_000_000;
/** A file that is less of its context is not worth a line. */
const worthShare = 0.002;

/** Seconds as people read them: `0.4s`, `12.3s`, `2m03s`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 99.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}

/** What was slow, and what of a large context weighs most: nothing where there is nothing worth saying. */
export function summaryLines({ slowest, context }: BuildSummary): string[] {
  const slow = slowest.filter(({ ms }) => ms >= slowMs).slice(0, slowestShown);
  return [
    ...slow.map(({ ms, stage, instruction }) => `slow: ${duration(ms)} [${stage}] ${oneLine(instruction)}`),
    ...(context && context.sizeBytes >= worthBytes ? contextLines(context) : []),
  ];
}

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
};

function contextLines(context: NonNullable<BuildSummary['context']>): string[] {
  const total = formatBytes(context.sizeBytes);
  const files = context.files === 1 ? '1 file' : `${context.files} files`;
  const largest = context.largest.filter(({ sizeBytes }) => sizeBytes >= context.sizeBytes * worthShare);
  return [
    `context: ${total} in ${files}${largest.length > 0 ? ', the largest:' : ''}`,
    ...largest.map(({ path, sizeBytes }) => `${formatBytes(sizeBytes).padStart(8)}  ${printable(path)}`),
    ...context.heavy.map(
      ({ path, sizeBytes }) =>
        `hint: ${printable(path)} is ${formatBytes(sizeBytes)} of ${total}: leave it out by a line in ${context.ignoreFile}`,
    ),
  ];
}

const printable = (path: string): string => (/[\0-\x1f\x7f]/.test(path) ? JSON.stringify(path) : path);
