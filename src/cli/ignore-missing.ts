import { codeOf } from '../common/error.ts';

/** Handler of a failed removal: with `force`, what is not there counts as removed. */
export function ignoreMissing(force: boolean): (error: unknown) => void {
  return (error) => {
    if (!force || !(codeOf(error) ?? '').endsWith('NOT_FOUND')) throw error;
  };
}
