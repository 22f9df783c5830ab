import { describe, expect, jest, test } from '@jest/globals';

jest.unstable_mockModule('../../../src/host/apparmor.ts', () => ({
  hasAppArmor: () => true,
  isProfileLoaded: (name: string) => name === 'mine',
  loadProfile: async () => undefined,
}));
const { checkProfile, profileOf } = await import('../../../src/engine/apparmor.ts');

describe('the AppArmor profile of a container', () => {
  test.each([
    ['the standard one unless it asks', {}, 'standard'],
    ['none when privileged', { Privileged: true }, 'unconfined'],
    ['the one it names, privileged or not', { Privileged: true, SecurityOpt: ['apparmor=mine'] }, 'mine'],
    ['none when it wants none', { SecurityOpt: ['apparmor=unconfined'] }, 'unconfined'],
    [
      "the standard one for Docker's name, where Docker's is not loaded",
      { SecurityOpt: ['apparmor:docker-default'] },
      'standard',
    ],
  ])('is %s', (_, host, profile) => {
    expect(profileOf(host, 'standard')).toBe(profile);
  });

  test('has to be loaded', () => {
    expect(() => checkProfile('other')).toThrow('there is no AppArmor profile other on this host');
    expect(() => checkProfile('mine')).not.toThrow();
  });
});
