import { expect, test } from '@jest/globals';
import { usageText } from '../../../src/cli/usage-text.ts';

test.each([
  [
    'Parsing --timeout \n\tExpected an integer but received: x\nSee more help with --help',
    '--timeout: Expected an integer but received: x',
  ],
  [
    'Missing 2 required args:\nservice  Name of a service\nport\nSee more help with --help',
    'Missing 2 required args: SERVICE PORT',
  ],
  ['Nonexistent flag: --bogus\nSee more help with --help', 'unknown flag: --bogus'],
])('what the parser of flags says becomes one sentence: %j', (said, told) => {
  expect(usageText(said)).toBe(told);
});
