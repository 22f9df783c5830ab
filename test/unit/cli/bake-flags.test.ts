import { expect, test } from '@jest/globals';
import { allowedOf, attestOf, refuseEntitlements } from '../../../src/cli/bake-flags.ts';

test('a target that asks for more of the machine is built only where it was allowed to', () => {
  const target = { entitlements: ['network.host', 'security.insecure'] };
  refuseEntitlements('app', target, allowedOf(['network.host', 'security.insecure', 'fs.read=/src']));
  refuseEntitlements('app', {}, allowedOf(undefined));
  expect(() => refuseEntitlements('app', target, allowedOf(['network.host']))).toThrow(
    expect.objectContaining({ code: 'USAGE', hint: 'give them with --allow security.insecure' }),
  );
  expect(() => allowedOf(['network.hsot'])).toThrow('unknown entitlement key "network.hsot"');
});

test('the short forms stand in place of what a target says of the same', () => {
  const target = { attest: ['type=provenance,mode=min', 'type=sbom'] };
  expect(attestOf(target, {})).toEqual(target.attest);
  expect(attestOf(target, { provenance: 'mode=max' })).toEqual(['type=sbom', 'type=provenance,mode=max']);
  expect(attestOf(target, { provenance: 'false', sbom: 'true' })).toEqual([
    'type=provenance,disabled=true',
    'type=sbom',
  ]);
  expect(attestOf({}, {})).toBeUndefined();
});
