import { randomBytes } from 'node:crypto';

/** 64 hexadecimal digits, never all decimal in the short form (such an id would read as a number in a host name). */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (/[a-f]/.test(shortId(id))) return id;
  }
}

/** The first 12 digits, as people type and see it. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
