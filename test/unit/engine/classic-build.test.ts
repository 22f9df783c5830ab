import { expect, test } from '@jest/globals';
import type { BuildStepProgress, ProgressMessage } from '../../../src/api/types/image.ts';
import { inClassicDress } from '../../../src/engine/classic-build.ts';

const inStage = { step: 2, total: 2, alone: true };
const step = (status: BuildStepProgress['status'], more: Partial<BuildStepProgress> = {}): BuildStepProgress => ({
  ...{ step: 1, total: 3, stage: 'stage-0', instruction: '', status },
  ...more,
});
async function dressed(messages: readonly ProgressMessage[]): Promise<ProgressMessage[]> {
  const found: ProgressMessage[] = [];
  const source = (async function* () {
    yield* messages;
  })();
  for await (const message of inClassicDress(source)) found.push(message);
  return found;
}

test('an instruction without a layer counts as cached where the next layer is', async () => {
  const build = (status: 'cached' | 'running') =>
    dressed([
      { stream: 'FROM', iechor: step('begun', { inStage: { ...inStage, step: 1 } }) },
      { stream: 'ENV', iechor: step('begun') },
      { stream: 'RUN', iechor: step('begun', { inStage }) },
      { stream: status, iechor: step(status, { inStage }) },
    ]);
  const lines = async (status: 'cached' | 'running') => (await build(status)).map(({ stream }) => stream);
  expect(await lines('cached')).toEqual(['FROM', 'ENV', ' ---> Using cache\n', 'RUN', 'cached']);
  expect(await lines('running')).toEqual(['FROM', 'ENV', 'RUN', 'running']);
});

test('standard error is red, and a failure is told in the words of the classic builder', async () => {
  const error =
    'Dockerfile:2:1 process "/bin/sh -c exit 3" did not complete successfully: exit code: 3\n  2 | RUN exit 3';
  const message = "The command '/bin/sh -c exit 3' returned a non-zero code: 3";
  expect(
    await dressed([
      { stream: 'oh\n', iechor: step('output', { stderr: true }) },
      { error, errorDetail: { message: error, reason: 'BUILD_FAILED', code: 3 } },
    ]),
  ).toEqual([
    { stream: '\x1b[91moh\n\x1b[0m' },
    { error: message, errorDetail: { message, reason: 'BUILD_FAILED', code: 3 } },
  ]);
});
