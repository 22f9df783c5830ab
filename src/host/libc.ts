import { createRequire } from 'node:module';
import type { LibraryHandle } from 'koffi';
import { IechorError } from '../common/error.ts';

type Koffi = typeof import('koffi');
/** What a foreign function may be given: numbers, strings, buffers, pointers, `null`, or arrays of these. */
export type Native = number | bigint | string | null | Uint8Array | readonly (string | null)[] | number[];
export type NativeCall = (...args: Native[]) => number;

let loaded: { koffi: Koffi; c: LibraryHandle } | undefined;

/** The foreign function interface and the C library, loaded at first use (9 ms). Throws HOST_UNSUPPORTED. */
export function ffi(): { koffi: Koffi; c: LibraryHandle } {
  if (loaded) return loaded;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    loaded = { koffi, c: koffi.load(null) };
    return loaded;
  } catch (cause) {
    throw new IechorError('HOST_UNSUPPORTED', 'the system call interface (koffi) cannot be loaded', {
      hint: `install the packages of iEchor again on this machine (${process.platform}-${process.arch})`,
      cause,
    });
  }
}

/**
 * A function of the C library by its prototype, bound at its first call. It returns what the function returns, or
 * `-errno` where that is negative.
 */
export function native(prototype: string): NativeCall {
  let bound: NativeCall | undefined;
  return (...args) => {
    bound ??= ffi().c.func(prototype) as NativeCall;
    const result = Number(bound(...args));
    return result < 0 ? -ffi().koffi.errno() : result;
  };
}

/** As `native`, on a thread of Node's pool: for a function that may block and returns its error instead of setting errno. */
export function nativeLater(prototype: string): (...args: Native[]) => Promise<number> {
  let bound: ReturnType<LibraryHandle['func']> | undefined;
  return (...args) =>
    new Promise((resolve, reject) => {
      bound ??= ffi().c.func(prototype);
      bound.async(...args, (error: unknown, result: unknown) => (error ? reject(error) : resolve(Number(result))));
    });
}

/** True where the C library has a function of that name. */
export function hasSymbol(name: string): boolean {
  try {
    return ffi().c.symbol(name) !== null;
  } catch {
    return false;
  }
}

/** Name of an errno, e.g. `EBUSY`. */
export function errnoName(errno: number): string {
  const known = Object.entries(ffi().koffi.os.errno).find(([, value]) => value === errno);
  return known?.[0] ?? `errno ${errno}`;
}

/** True where the `-errno` of a call is one of the named errors. */
export function failedWith(result: number, ...names: readonly string[]): boolean {
  return result < 0 && names.some((name) => ffi().koffi.os.errno[name] === -result);
}

/** HOST_SYSCALL_FAILED for a `-errno`; its `cause.code` is the name of the errno. */
export function syscallError(call: string, subject: string, result: number, hint?: string): IechorError {
  const name = errnoName(-result);
  const cause = Object.assign(new Error(name), { code: name, errno: -result, syscall: call });
  return new IechorError('HOST_SYSCALL_FAILED', `${call} ${subject}: ${name}`, { hint, cause });
}

/** The result of a call, where it is not negative; throws HOST_SYSCALL_FAILED. */
export function checked(call: string, subject: string, result: number): number {
  if (result < 0) throw syscallError(call, subject, result);
  return result;
}
