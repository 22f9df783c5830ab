import type { LogLine } from './line-assembly.ts';
import type { SyslogFormat } from './syslog-options.ts';

const errorSeverity = 3;
const infoSeverity = 6;

export interface SyslogSource {
  readonly format: SyslogFormat;
  readonly facility: number;
  readonly tag: string;
  readonly hostname: string;
  readonly processId: number;
  /** True over TLS: RFC 5424 messages tell their length (RFC 5425). */
  readonly framed: boolean;
}

/** One message on the wire, as Docker's syslog driver sends it, but with the time at which the line was written. */
export function syslogMessage(source: SyslogSource, line: LogLine): Buffer {
  const priority = source.facility * 8 + (line.stderr ? errorSeverity : infoSeverity);
  const text = Buffer.concat([Buffer.from(headOf(source, priority, line.nano)), line.data, newline]);
  const counted = source.framed && source.format.startsWith('rfc5424');
  return counted ? Buffer.concat([Buffer.from(`${text.length} `), text]) : text;
}

const newline = Buffer.from('\n');

function headOf({ format, tag, hostname, processId }: SyslogSource, priority: number, nano: bigint): string {
  const time = new Date(Number(nano / 1_000_000n));
  switch (format) {
    case 'unix':
      return `<${priority}>${stamp(time)} ${tag}[${processId}]: `;
    case 'rfc3164':
      return `<${priority}>${stamp(time)} ${hostname} ${tag}[${processId}]: `;
    case 'rfc5424':
      return `<${priority}>1 ${rfc3339(time, '')} ${hostname} ${tag} ${processId} ${tag} - `;
    case 'rfc5424micro': {
      const micro = String((nano / 1000n) % 1_000_000n).padStart(6, '0');
      return `<${priority}>1 ${rfc3339(time, `.${micro}`)} ${hostname} ${tag} ${processId} ${tag} - `;
    }
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number: number) => String(number).padStart(2, '0');

/** `Jan  2 15:04:05` in the host's own time, as syslog has it. */
function stamp(time: Date): string {
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${months[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${clock}`;
}

function rfc3339(time: Date, fraction: string): string {
  const minutes = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const size = Math.abs(minutes);
  const zone = size === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
  return `${local}${fraction}${zone}`;
}
