import { expect, test } from '@jest/globals';
import { checkBuilder, checkClassicFlags } from '../../../src/cli/classic-build-flags.ts';
import { emptyGlobals } from '../../../src/cli/globals.ts';
import { platformFlag } from '../../../src/cli/platform-flag.ts';
import { takeGlobals } from '../../../src/cli/take-globals.ts';

const usual = { compress: false, 'disable-content-trust': true, 'force-rm': true, rm: true };
const refused = (message: string) => expect.objectContaining({ message: expect.stringContaining(message) });

test('flags of Docker’s first builder are taken where they say what is done, and told or refused where not', () => {
  const warnings: string[] = [];
  const check = (flags: object) => checkClassicFlags({ ...usual, ...flags }, (text) => warnings.push(text));
  check({});
  expect(warnings).toEqual([]);
  check({ rm: false, compress: true });
  expect(warnings).toEqual([expect.stringContaining('--compress'), expect.stringContaining('--rm=false')]);
  expect(() => check({ 'disable-content-trust': false })).toThrow(refused('signatures of Notary'));
});

test('the engine is the only builder, and debugging may be asked for after the command', () => {
  const globals = emptyGlobals();
  checkBuilder({ builder: 'default', debug: false }, globals);
  expect(globals.debug).toBe(false);
  checkBuilder({ debug: true }, globals);
  expect(globals.debug).toBe(true);
  expect(() => checkBuilder({ builder: 'far', debug: false }, globals)).toThrow(refused('--builder far'));
});

test('a level of the log is read before the command: debug shows stack traces, one that is none is refused', () => {
  const debugs = (...argv: string[]) => {
    const globals = emptyGlobals();
    expect(takeGlobals([...argv, 'ps'], globals)).toEqual(['ps']);
    return globals.debug;
  };
  expect([debugs('--log-level', 'debug'), debugs('-l', 'warn'), debugs('--log-level=error')]).toEqual([
    true,
    false,
    false,
  ]);
  expect(() => debugs('-l', 'loud')).toThrow(refused('Unable to parse logging level: loud'));
});

test('a platform is an operating system, alone or with an architecture and its variant', () => {
  expect(platformFlag('linux')).toEqual({ os: 'linux', architecture: expect.stringMatching(/./) });
  expect(platformFlag('linux/arm/v7')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
  for (const text of ['', 'x', 'linux/', 'linux/arm/v7/x'])
    expect(() => platformFlag(text)).toThrow(refused('platform'));
});
