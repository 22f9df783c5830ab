import { expect, test } from '@jest/globals';
import type { ImageSummary } from '../../../src/api/types/image.ts';
import { imageRows } from '../../../src/cli/image-rows.ts';

const [one, two] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
const rows = (RepoTags: string[], RepoDigests: string[], digests = false) => {
  const image = { Id: one, RepoTags, RepoDigests, Created: 0, Size: 1, SharedSize: -1, Containers: -1 };
  return imageRows(image as unknown as ImageSummary, { truncate: true, digests }).map(
    ({ Repository, Tag, Digest }) => `${Repository} ${Tag} ${Digest}`,
  );
};

test('a row stands for a tag, and where digests are wanted for each that its repository gave the image', () => {
  const [tags, digests] = [
    ['a:1', 'a:2', 'b:1'],
    [`a@${one}`, `a@${two}`],
  ];
  expect(rows(tags, digests)).toEqual(['a 1 <none>', 'a 2 <none>', 'b 1 <none>']);
  expect(rows(tags, digests, true)).toEqual([`a 1 ${one}`, `a 1 ${two}`, `a 2 ${one}`, `a 2 ${two}`, 'b 1 <none>']);
});

test('a repository that an image came from without a tag is named, and an image of none is not', () => {
  expect(rows(['a:1'], [`b:5000/c@${one}`])).toEqual(['a 1 <none>', `b:5000/c <none> ${one}`]);
  expect(rows([], [])).toEqual(['<none> <none> <none>']);
});
