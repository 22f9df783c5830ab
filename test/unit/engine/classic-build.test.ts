import { expect, test } from '@jest/globals';
import type { BuildStepProgress, ProgressMessage } from '../../../src/api/types/image.ts';
import { inClassicDress } from '../../../src/engine/classic-build.ts';

const inStage = { step: 2, total: 2, alone: true };
const step = (status: BuildStepProgress['status'], more: Partial<BuildStepProgress> = {}): BuildStepProgress => ({
  ...{ step: 1, total: 3, stage: 'stage-0', instruction: '', status },
  ...more,
});
const imageOf = (name: string) => (name === 'base' ? 'aaaaaaaaaaaa' : undefined);
async function dressed(messages: readonly ProgressMessage[], keepsContainers = false): Promise<ProgressMessage[]> {
  const found: ProgressMessage[] = [];
  const source = (async function* () {
    yield* messages;
  })();
  for await (const message of inClassicDress(source, { imageOf, keepsContainers })) found.push(message);
  return found;
}

test('every step ends with an id, and one without a layer counts as cached where the next layer is', async () => {
  const build = (status: 'cached' | 'running', last: readonly ProgressMessage[]) =>
    dressed([
      { stream: 'FROM\n', iechor: step('begun', { instruction: 'FROM base', inStage: { ...inStage, step: 1 } }) },
      { stream: 'ENV\n', iechor: step('begun', { instruction: 'ENV a=b' }) },
      { stream: 'RUN\n', iechor: step('begun', { instruction: 'RUN x', inStage }) },
      { stream: ' ---> Using cache\n', iechor: step(status, { instruction: 'RUN x', inStage }) },
      ...last,
    ]);
  const lines = async (status: 'cached' | 'running', last: readonly ProgressMessage[] = []) =>
    (await build(status, last)).map(({ stream }) => stream?.replace(/[0-9a-f]{12}\n/, 'ID\n').trim());
  const cached = ['FROM', '---> ID', 'ENV', '---> Using cache', '---> ID', 'RUN', '---> Using cache', '---> ID'];
  expect(await lines('cached')).toEqual(cached);
  const ran = ['---> Running in ID', '---> Removed intermediate container ID', '---> ID'];
  const done = { stream: ' ---> bbbbbbbbbbbb\n', iechor: step('done', { instruction: 'RUN x', inStage }) };
  expect(await lines('running', [done])).toEqual(['FROM', '---> ID', 'ENV', ...ran, 'RUN', ...ran]);
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

test('where containers of steps are to be kept, none is told to be removed, and that there are none is told once', async () => {
  const run = { instruction: 'RUN x', inStage };
  const messages = [
    { stream: 'RUN\n', iechor: step('begun', run) },
    { iechor: step('running', run) },
    { stream: ' ---> bbbbbbbbbbbb\n', iechor: step('done', run) },
    { aux: { ID: 'sha256:b' } },
  ];
  const lines = (await dressed(messages, true)).map(
    ({ stream, aux }) => stream?.split(/ [0-9a-f]{12}| is /)[0] ?? aux?.ID,
  );
  expect(lines).toEqual(['RUN\n', ' ---> Running in', ' --->', '[Warning] rm=0', 'sha256:b']);
});

test.each([
  ['Dockerfile:1:1 the file is empty', 'the Dockerfile (Dockerfile) cannot be empty'],
  ['Dockerfile:1:1 file with no instructions', 'failed to parse Dockerfile: file with no instructions'],
  [
    'a/D:2:1 unknown instruction: FOO\n  2 | FOO',
    'dockerfile parse error on line 2: unknown instruction: FOO\n  2 | FOO',
  ],
  ['there is no build file: nope not found in the context', 'Cannot locate specified Dockerfile: nope'],
])('%j is said in the words of the classic builder', async (error, message) => {
  const [told] = await dressed([{ error, errorDetail: { message: error, reason: 'BUILD_SYNTAX' } }]);
  expect(told).toEqual({ error: message, errorDetail: { message, reason: 'BUILD_SYNTAX' } });
});
