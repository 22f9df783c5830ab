import { IechorError } from '../common/error.ts';
import type { Platform } from './stage-state.ts';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' };
const aliases: Readonly<Record<string, string>> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', i386: '386' };

export function hostPlatform(): Platform {
  return { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
}

/** Reads `os/architecture[/variant]` or one of its parts. Throws BAD_REQUEST. */
export function parsePlatform(text: string): Platform {
  const host = hostPlatform();
  const [first = '', second, variant, ...more] = text.toLowerCase().split('/');
  if (more.length > 0 || !/^[a-z0-9_.-]+(\/[a-z0-9_.-]+)*$/.test(text.toLowerCase())) {
    throw new IechorError('BAD_REQUEST', `${JSON.stringify(text)} is not a platform`, {
      hint: 'A platform looks like linux/amd64 or linux/arm/v7.',
    });
  }
  if (second === undefined) {
    const known = aliases[first] ?? first;
    return known === 'linux' ? host : { os: 'linux', architecture: known };
  }
  const architecture = aliases[second] ?? second;
  const isDefault = architecture === 'arm64' && variant === 'v8';
  return { os: first, architecture, ...(variant !== undefined && !isDefault && { variant }) };
}

export const formatPlatform = (platform: Platform): string =>
  [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
