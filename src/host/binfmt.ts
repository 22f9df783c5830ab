import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../common/error.ts';

/** `e_machine` of ELF files (bytes 18 and 19, as they lie in the file) by architecture, as images name it. */
const machines: Readonly<Record<string, string>> = {
  '386': '0300',
  amd64: '3e00',
  arm: '2800',
  arm64: 'b700',
  loong64: '0201',
  mips64le: '0800',
  ppc64le: '1500',
  riscv64: 'f300',
  s390x: '0016',
};

/** What the processor itself runs, by Node's name of it. */
const native: Readonly<Record<string, readonly string[]>> = {
  x64: ['amd64', '386'],
  arm64: ['arm64', 'arm'],
  arm: ['arm'],
};

/**
 * Whether programs of an architecture can be started in a container: the processor runs them, or the kernel knows an
 * emulator that it holds open (binfmt_misc with flag F), since there is none in the container. True for a name that is not
 * known: the kernel will tell.
 */
export function canRun(architecture: string, directory = '/proc/sys/fs/binfmt_misc'): boolean {
  if ((native[process.arch] ?? [process.arch]).includes(architecture)) return true;
  const machine = machines[architecture];
  return machine === undefined || entriesIn(directory).some((entry) => emulates(entry, machine));
}

function entriesIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name !== 'register' && name !== 'status');
    return names.map((name) => readFileSync(join(directory, name), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return [];
    throw error;
  }
}

function emulates(entry: string, machine: string): boolean {
  const [, flags = ''] = /^flags: (\S*)$/m.exec(entry) ?? [];
  const [, magic = ''] = /^magic ([0-9a-f]+)$/m.exec(entry) ?? [];
  const isElf = magic.startsWith('7f454c46') && magic.slice(36, 40) === machine;
  return /^enabled$/m.test(entry) && flags.includes('F') && isElf;
}
