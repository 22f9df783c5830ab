/** Whether a variable is switched on: 1, true, yes, on, t, y in any case. Undefined where it is not set or says neither. */
export function envFlag(text: string | undefined): boolean | undefined {
  if (/^(1|true|yes|on|t|y)$/i.test(text ?? '')) return true;
  return /^(0|false|no|off|f|n)$/i.test(text ?? '') ? false : undefined;
}
