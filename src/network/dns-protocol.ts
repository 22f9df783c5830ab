import type { DnsSandbox } from './dns-zone.ts';
import type { PortHold } from './port-holds.ts';

/** Grows with every change of the messages or of what the process does; another version's process is replaced. */
export const protocolVersion = 4;

/** What the daemon asks of the resolver process, one JSON object per line. Each request can be repeated. */
export type DnsRequest =
  | { readonly op: 'hello' }
  /** The full state: what is not named goes. */
  | { readonly op: 'replace'; readonly sandboxes: readonly DnsSandbox[] }
  | { readonly op: 'set'; readonly sandbox: DnsSandbox }
  | { readonly op: 'remove'; readonly id: string }
  | { readonly op: 'stop' };

export interface DnsFailure {
  readonly id: string;
  readonly message: string;
  /** The port that could not be held, where that is the reason. */
  readonly hold?: PortHold;
  readonly errno?: string;
}
export interface DnsReply {
  readonly version: number;
  readonly pid: number;
  readonly failures: readonly DnsFailure[];
}
export type Numbered<T> = T & { readonly seq: number };

/** Calls back with each whole line of a stream of text. */
export function lineSplitter(onLine: (line: string) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}
