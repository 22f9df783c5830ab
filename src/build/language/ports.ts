import { isIP } from 'node:net';
import { expand } from './expand.ts';
import { ExpansionError } from './expansion-error.ts';
import { syntaxError } from './syntax-error.ts';
import type { BuildFile, InstructionOf } from './types.ts';

/** Ports of EXPOSE in the image configuration's form, `80/tcp`: ranges written out, variables expanded to words. */
export function readPorts(
  instruction: InstructionOf<'EXPOSE'>,
  options: { readonly file: Pick<BuildFile, 'escapeChar'>; readonly lookup: (name: string) => string | undefined },
): string[] {
  const words = instruction.ports.flatMap((port) => {
    try {
      return expand(port, { lookup: options.lookup, escapeChar: options.file.escapeChar }).words;
    } catch (error) {
      if (error instanceof ExpansionError) throw syntaxError(error.message, instruction);
      throw error;
    }
  });
  return words.flatMap((word) => {
    const ports = parsePort(word);
    if (ports) return ports;
    throw syntaxError(`${JSON.stringify(word)} is not a port`, {
      ...instruction,
      hint: 'EXPOSE 80, 53/udp or 8000-8010.',
    });
  });
}

/** `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, as for publishing: what stands for the host is checked and left out. */
function parsePort(word: string): string[] | undefined {
  const [address = '', protocol = '', ...more] = word.split('/');
  const proto = protocol.toLowerCase() || 'tcp';
  const fields = address.split(':');
  const range = readRange(fields.at(-1) ?? '');
  const hostText = fields.at(-2) ?? '';
  const host = hostText === '' ? undefined : readRange(hostText);
  const ip = fields.slice(0, -2).join(':');
  if (!range || more.length > 0 || !['tcp', 'udp', 'sctp'].includes(proto)) return undefined;
  if (hostText !== '' && !host) return undefined;
  if (host && range[0] !== range[1] && host[1] - host[0] !== range[1] - range[0]) return undefined;
  if (ip !== '' && isIP(ip.replace(/^\[(.*)\]$/, '$1')) === 0) return undefined;
  const [first, last] = range;
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${proto}`);
}

function readRange(text: string): readonly [first: number, last: number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  return match && first <= last && last <= 65535 ? [first, last] : undefined;
}
