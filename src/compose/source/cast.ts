import type { ScalarNode } from './node.ts';
import { float32 } from './number-text.ts';
import type { Path, Report } from './report.ts';
import type { Kind, Spec } from './spec.ts';

const casts: Partial<Record<Kind, (text: string) => number | bigint | boolean | undefined>> = {
  bool: parseBool,
  int: parseInteger,
  uint: parseInteger,
  portNumber: parseInteger,
  ulimit: parseInteger,
  float: parseFloatText,
  float32: (text) => {
    const value = parseFloatText(text);
    return value === undefined ? undefined : float32(value);
  },
};

const oldBooleans: Readonly<Record<string, boolean>> = {
  y: true,
  yes: true,
  on: true,
  n: false,
  no: false,
  off: false,
};

/** Turns text into the number or truth value that the attribute holds. */
export function castScalar(node: ScalarNode, spec: Spec, context: { path: Path; report: Report }): void {
  const cast = casts[spec.kind];
  if (!cast || node.type !== 'string' || !spec.accept.includes('string')) return;
  const text = String(node.value);
  const value = cast(text);
  const path = [...context.path];
  if (value === undefined) {
    const wanted =
      spec.kind === 'bool' ? 'true or false' : spec.kind.startsWith('float') ? 'a number' : 'a whole number';
    const from = node.raw !== undefined && node.raw !== text ? ` (from ${node.raw})` : '';
    const message = `invalid value ${JSON.stringify(text)}${from}: must be ${wanted}`;
    context.report.error({ code: 'COMPOSE_VALUE', path, message, at: [node.at, node.via] });
    return;
  }
  if (spec.kind === 'bool' && !/^(true|false)$/i.test(text)) {
    const hint = `write ${value}`;
    context.report.warning({
      code: 'COMPOSE_OBSOLETE',
      path,
      message: `"${text}" for a truth value is not YAML 1.2`,
      hint,
      at: [node.at],
    });
  }
  node.raw ??= text;
  node.value = value;
  node.type =
    typeof value === 'boolean' ? 'bool' : Number.isInteger(value) || typeof value === 'bigint' ? 'int' : 'float';
}

function parseBool(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
  return Object.hasOwn(oldBooleans, lower) ? oldBooleans[lower] : undefined;
}

function parseInteger(text: string): number | bigint | undefined {
  if (!/^[-+]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  if (value > 0x7fffffffffffffffn || value < -0x8000000000000000n) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

export function parseFloatText(text: string): number | undefined {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  const special = /^([-+]?)(inf|infinity|nan)$/i.exec(text);
  if (!special) return undefined;
  if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
