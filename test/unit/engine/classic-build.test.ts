import { expect, test } from '@jest/globals';
import type { BuildStepProgress, ProgressMessage } from '../../../src/api/types/image.ts';
import { inClassicDress } from '../../../src/engine/classic-build.ts';

const step = (status: BuildStepProgress['status'], more: Partial<BuildStepProgress> = {}): BuildStepProgress => ({
  ...{ step: 1, total: 3, stage: 'stage-0', instruction: '', status },
  ...more,
});
const stay = { keepsContainers: true, forcesRemoval: false };
const go = { keepsContainers: false, forcesRemoval: false };
async function dressed(messages: readonly ProgressMessage[], options = go): Promise<ProgressMessage[]> {
  const found: ProgressMessage[] = [];
  const source = (async function* () {
    yield* messages;
  })();
  for await (const message of inClassicDress(source, options)) found.push(message);
  return found;
}
const told = (status: BuildStepProgress['status'], more: Partial<BuildStepProgress> = {}): ProgressMessage => ({
  stream: status === 'cached' ? ' ---> Using cache\n' : '',
  iechor: step(status, { container: 'cccccccccccccccc', image: 'sha256:bbbbbbbbbbbbbbbb', ...more }),
});
const lines = async (messages: readonly ProgressMessage[], options = go) =>
  (await dressed(messages, options)).map(({ stream }) => stream?.trim());

test('every step ends with its image; one without a layer is carried out in a container, unless its image is there', async () => {
  const run = { step: 3, instruction: 'RUN x' };
  const env = { step: 2, instruction: 'ENV a=b' };
  const from = { instruction: 'FROM base' };
  const begin = [told('begun', from), told('done', from), told('committed', from), told('begun', env)];
  const id = '---> bbbbbbbbbbbb';
  const running = '---> Running in cccccccccccc';
  const removed = '---> Removed intermediate container cccccccccccc';
  expect(
    await lines([...begin, told('committed', { ...env, isCached: true }), told('begun', run), told('cached', run)]),
  ).toEqual([
    'Step 1/3 : FROM base',
    id,
    'Step 2/3 : ENV a=b',
    '---> Using cache',
    id,
    'Step 3/3 : RUN x',
    '---> Using cache',
  ]);
  const made = [
    ...[told('committed', { ...env, isCached: false }), told('begun', run)],
    ...[told('running', run), told('done', run), told('committed', run)],
  ];
  const after = ['Step 1/3 : FROM base', id, 'Step 2/3 : ENV a=b'];
  expect(await lines([...begin, ...made])).toEqual([
    ...after,
    running,
    removed,
    id,
    'Step 3/3 : RUN x',
    running,
    removed,
    id,
  ]);
  expect(await lines([...begin, ...made], stay)).toEqual([...after, running, id, 'Step 3/3 : RUN x', running, id]);
});

test('what a base image asks for is counted at its beginning and numbers no step', async () => {
  const first = { step: 2, total: 4, instruction: 'COPY a /', trigger: { number: 1, total: 2 } };
  const second = { step: 3, total: 4, instruction: 'COPY b /', trigger: { number: 2, total: 2 } };
  const triggers = [first, second].flatMap((one) => [told('begun', one), told('committed', one)]);
  expect(await lines([...triggers, told('begun', { step: 4, total: 4, instruction: 'CMD x' })])).toEqual([
    ...['# Executing 2 build triggers', '---> bbbbbbbbbbbb', 'Step 2/2 : CMD x'],
  ]);
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

test.each([
  ['Dockerfile:1:1 the file is empty', 'the Dockerfile (Dockerfile) cannot be empty'],
  ['Dockerfile:1:1 file with no instructions', 'failed to parse Dockerfile: file with no instructions'],
  [
    'a/D:2:1 unknown instruction: FOO\n  2 | FOO',
    'dockerfile parse error on line 2: unknown instruction: FOO\n  2 | FOO',
  ],
  ['D:2:1 there is no build stage "no" to be the target', 'target stage "no" could not be found'],
  [
    'D:2:1 SHELL requires its arguments as a JSON array',
    'dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form',
  ],
  ['there is no build file: nope not found in the context', 'Cannot locate specified Dockerfile: nope'],
])('%j is said in the words of the classic builder', async (error, message) => {
  const [told] = await dressed([{ error, errorDetail: { message: error, reason: 'BUILD_SYNTAX' } }]);
  expect(told).toEqual({ error: message, errorDetail: { message, reason: 'BUILD_SYNTAX' } });
});

test.each([
  ['COPY --from=base /x /', 'D:2:1 "/x": not found\n  2 | COPY', 'COPY failed: stat x: file does not exist'],
  [
    'ADD x /',
    'D:2:1 "/x": not found in the build context\n  2 | ADD',
    'ADD failed: file not found in build context or excluded by .dockerignore: stat x: file does not exist',
  ],
  ['RUN x', 'D:2:1 network no not found\n  2 | RUN x', 'failed to set up container networking: network no not found'],
  ['RUN []', 'D:2:1 no command specified\n  2 | RUN []\n    | ^^^^^^', 'no command specified'],
])(
  'a step %s that fails is told without its place, which was told with the step',
  async (instruction, error, message) => {
    const failed = step('failed', { instruction });
    const [told] = await dressed([{ error, errorDetail: { message: error }, iechor: failed }]);
    expect(told?.error).toBe(message);
  },
);

test('an image that files are taken from and that is nowhere is named by the flag', async () => {
  const error = 'D:2:1 the registry r.example cannot be reached\n  2 | COPY';
  const errorDetail = { message: error, reason: 'REGISTRY_UNREACHABLE' };
  const iechor = step('failed', { instruction: 'COPY --from=nowhere / /' });
  const [told] = await dressed([{ error, errorDetail, iechor }]);
  expect(told?.error).toBe('invalid from flag value nowhere: the registry r.example cannot be reached');
});
