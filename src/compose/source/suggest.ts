import { nearest } from '../../common/nearest.ts';

/** `did you mean "x"?` for the candidate nearest to a mistyped word; undefined where none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(
    word,
    [...candidates].filter((candidate) => candidate !== word),
  );
  return found === undefined ? undefined : `did you mean "${found}"?`;
}
