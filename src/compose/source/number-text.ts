/** A floating point number as Go prints it (`%v`): plain digits up to 1e20, two digits at least in an exponent. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  return exponentForm(value, String(value), 21);
}

/** As Go's JSON: exponents from 1e21 on and below 1e-6. */
export function jsonFloat(value: number): string {
  return String(value)
    .replace(/e-(\d)$/, 'e-0$1')
    .replace(/e-0(\d)$/, 'e-$1');
}

/** The shortest text that names the same single-precision number. */
export function float32(value: number): number {
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const shorter = Number(single.toPrecision(digits));
    if (Math.fround(shorter) === single) return shorter;
  }
  return single;
}

function exponentForm(value: number, text: string, threshold: number): string {
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  const [mantissa, written] = value.toExponential().split('e') as [string, string];
  const real = Number(written);
  if (real < -4 || real >= threshold) {
    return `${mantissa}e${real < 0 ? '-' : '+'}${String(Math.abs(real)).padStart(2, '0')}`;
  }
  return exponent >= -4 && text.includes('e') ? BigInt(value).toString() : text;
}
