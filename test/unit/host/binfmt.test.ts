import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { canRun } from '../../../src/host/binfmt.ts';

const entry = (state: string, flags: string): string =>
  `${state}\ninterpreter /usr/libexec/qemu-binfmt/s390x-binfmt-P\nflags: ${flags}\noffset 0\n` +
  'magic 7f454c46020201000000000000000000' +
  '00020016\nmask ffffffffffffff00fffffffffffffffffffeffff\n';

test.each([
  ['enabled', 'OCPF', true],
  ['enabled', 'OCP', false],
  ['disabled', 'F', false],
])('an emulator that is %s with flags %s helps in containers: %s', (state, flags, helps) => {
  const directory = mkdtempSync(join(tmpdir(), 'binfmt-'));
  try {
    for (const name of ['register', 'status']) writeFileSync(join(directory, name), 'enabled\n');
    writeFileSync(join(directory, 'qemu-s390x'), entry(state, flags));
    expect(canRun('s390x', directory)).toBe(helps);
    expect(canRun('riscv64', directory)).toBe(false);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the processor runs its own programs, and nothing else where the kernel knows no emulators', () => {
  const own = process.arch === 'x64' ? 'amd64' : process.arch;
  expect([canRun(own, '/nonexistent'), canRun('s390x', '/nonexistent')]).toEqual([true, false]);
});
