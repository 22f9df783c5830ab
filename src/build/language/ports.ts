import { ExpansionError, expand } from './expand.ts';
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

function parsePort(word: string): string[] | undefined {
  const [range = '', protocol = '', ...more] = (word.split(':').at(-1) ?? '').split('/');
  const proto = protocol.toLowerCase() || 'tcp';
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range);
  if (!match || more.length > 0 || !['tcp', 'udp', 'sctp'].includes(proto)) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last < first || last > 65535) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${proto}`);
}
