import { nearest } from '../../common/nearest.ts';

/** "Did you mean ...?", or undefined where nothing is close. */
export function didYouMean(written: string, known: Iterable<string>): string | undefined {
  const name = nearest(written, known);
  return name === undefined || name === written ? undefined : `Did you mean ${name}?`;
}
