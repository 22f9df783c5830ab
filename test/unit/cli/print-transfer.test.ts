import { expect, test } from '@jest/globals';
import { printTransfer } from '../../../src/cli/print-transfer.ts';

async function* pulled() {
  yield { status: 'Pulling from app', id: '1' };
  yield { status: 'Pulling fs layer', id: 'c83e83fab36f', progressDetail: {} };
  yield { status: 'Downloading', id: 'c83e83fab36f', progressDetail: { current: 5_000_000, total: 10_000_000 } };
  yield { status: 'Pull complete', id: 'c83e83fab36f', progressDetail: {} };
  yield { status: 'Digest: sha256:1' };
}

/** What is written to a terminal of that size, or with none to a file. */
async function written(columns?: number): Promise<string> {
  const parts: string[] = [];
  const write = (text: string) => Boolean(parts.push(text));
  const sink = { write, ...(columns !== undefined && { isTTY: true, columns, rows: columns }) };
  await printTransfer(pulled(), { sink: sink as unknown as NodeJS.WriteStream });
  return parts.join('');
}

test('in a file there is a line per step, and none for what moves', async () => {
  expect(await written()).toBe(
    '1: Pulling from app\nc83e83fab36f: Pulling fs layer\nc83e83fab36f: Pull complete\nDigest: sha256:1\n',
  );
});

test.each([80, 0])('a terminal of %d columns, which may be unknown, shows lines whole', async (columns) => {
  expect(await written(columns)).toContain('\x1b[2Kc83e83fab36f: Pull complete\n');
});

test('a narrow terminal cuts lines, so that they stay one', async () => {
  expect(await written(20)).toContain('\x1b[2Kc83e83fab36f: Pull \n');
});
