import { expect, test } from '@jest/globals';
import { refusalOfGroup } from '../../../src/commands/not-here.ts';

test('what Docker has and this engine has not is refused by name, and what there is instead is told', () => {
  for (const word of [
    'swarm',
    'node',
    'service',
    'stack',
    'plugin',
    'checkpoint',
    'builder ls',
    'builder history',
    'trust revoke',
    'trust key load',
  ]) {
    expect(refusalOfGroup(word)).toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringContaining(`"${word}"`),
    });
    expect(refusalOfGroup(word)?.hint).toContain('iechor');
  }
  for (const word of ['nope', 'toString', '']) expect(refusalOfGroup(word)).toBeUndefined();
});
