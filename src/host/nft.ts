import { spawnSync } from 'node:child_process';
import type { LibraryHandle } from 'koffi';
import { IechorError } from '../common/error.ts';
import { ffi } from './libc.ts';
import { inNetns } from './netns.ts';

interface Library {
  create(flags: number): bigint;
  free(context: bigint): void;
  bufferOutput(context: bigint): number;
  bufferError(context: bigint): number;
  setOutput(context: bigint, flags: number): void;
  run(context: bigint, script: string): number;
  output(context: bigint): string | null;
  error(context: bigint): string | null;
}

const STATELESS = 1 << 2;
const HANDLE = 1 << 3;
let library: Library | 'missing' | undefined;

/**
 * Runs a script of nft(8) as one transaction, in a network namespace (none: the own one), and returns what it lists,
 * with handles and without counters. In this process by libnftables (0.2 ms); where that is missing, by the program.
 * Throws HOST_COMMAND_FAILED with nft's words.
 */
export function nft(script: string, netns?: string): string {
  return inNetns(netns, () => {
    library ??= open();
    return library === 'missing' ? byProgram(script) : byLibrary(library, script);
  });
}

function byLibrary(nftables: Library, script: string): string {
  const context = nftables.create(0);
  if (!context) throw failed(script, 'out of memory');
  try {
    nftables.bufferOutput(context);
    nftables.bufferError(context);
    nftables.setOutput(context, STATELESS | HANDLE);
    const status = nftables.run(context, script);
    if (status !== 0) throw failed(script, nftables.error(context) ?? '');
    return nftables.output(context) ?? '';
  } finally {
    nftables.free(context);
  }
}

function byProgram(script: string): string {
  const result = spawnSync('nft', ['-a', '-s', '-f', '-'], { input: script, encoding: 'utf8' });
  if (result.error) {
    throw new IechorError('HOST_COMMAND_FAILED', `nft could not be started: ${result.error.message}`, {
      hint: 'install the package nftables',
      cause: result.error,
    });
  }
  if (result.status !== 0) throw failed(script, result.stderr);
  return result.stdout;
}

function failed(script: string, words: string): IechorError {
  const [first = 'no message', line = ''] = words.split('\n');
  const shown = line.length > 160 ? `${line.slice(0, 157)}...` : line;
  return new IechorError('HOST_COMMAND_FAILED', `nft: ${first}${shown ? `: ${shown.trim()}` : ''}`, {
    cause: new Error(`${words}\n${script.slice(0, 4000)}`),
  });
}

function open(): Library | 'missing' {
  let handle: LibraryHandle;
  try {
    handle = ffi().koffi.load('libnftables.so.1');
  } catch {
    return 'missing';
  }
  return {
    create: handle.func('uintptr_t nft_ctx_new(uint32_t flags)') as unknown as Library['create'],
    free: handle.func('void nft_ctx_free(uintptr_t context)') as unknown as Library['free'],
    bufferOutput: handle.func('int nft_ctx_buffer_output(uintptr_t context)') as unknown as Library['bufferOutput'],
    bufferError: handle.func('int nft_ctx_buffer_error(uintptr_t context)') as unknown as Library['bufferError'],
    setOutput: handle.func('void nft_ctx_output_set_flags(uintptr_t context, unsigned int flags)'),
    run: handle.func('int nft_run_cmd_from_buffer(uintptr_t context, const char *script)'),
    output: handle.func('const char *nft_ctx_get_output_buffer(uintptr_t context)'),
    error: handle.func('const char *nft_ctx_get_error_buffer(uintptr_t context)'),
  };
}
