import { expect, test } from '@jest/globals';
import { createMountOptions } from '../../../src/image/overlay-mount.ts';
import { choosePlatform, parsePlatform, platformMismatch } from '../../../src/image/platform.ts';

const digest = `sha256:${'0'.repeat(64)}` as const;
const at = (architecture: string, variant?: string, os = 'linux') => ({
  mediaType: variant ?? architecture,
  digest,
  size: 0,
  platform: { os, architecture, ...(variant !== undefined && { variant }) },
});

test('the fitting platform is chosen, and no other', () => {
  const list = [at('unknown', undefined, 'unknown'), at('arm', 'v6'), at('arm', 'v7'), at('amd64'), at('arm64', 'v8')];
  const chosen = (text: string) => choosePlatform(list, parsePlatform(text))?.mediaType;
  expect(chosen('linux/amd64')).toBe('amd64');
  expect(chosen('x86_64')).toBe('amd64');
  expect(chosen('linux/arm/v7')).toBe('v7');
  expect(chosen('linux/arm64')).toBe('v8');
  expect(chosen('linux/arm/v5')).toBeUndefined();
  expect(chosen('windows/amd64')).toBeUndefined();
  for (const text of ['/', 'a/b/c/d', 'linux/', 'li nux/x']) {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  }
});

test('an image of another platform than was asked for says so', () => {
  const image = { os: 'linux', architecture: 'arm', variant: 'v7' };
  expect(platformMismatch(image, 'linux/arm64')).toBe(
    'its platform (linux/arm/v7) does not match the specified platform (linux/arm64)',
  );
  for (const asked of ['arm', 'linux/arm/v7', '', undefined]) expect(platformMismatch(image, asked)).toBeUndefined();
});

test('mount options of 128 layers fit into a page under the usual root', () => {
  const links = Array.from({ length: 128 }, (_, index) => `a${index.toString(36)}`);
  const { options } = createMountOptions('/var/lib/iechor').writable(links, `snapshots/${'f'.repeat(64)}/upper`, 'w');
  expect(options.join(',').length).toBeLessThan(4096);
  expect(options[0]?.startsWith('lowerdir=/var/lib/iechor/l/a0:')).toBe(true);
});
