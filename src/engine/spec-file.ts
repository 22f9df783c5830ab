import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciSpec } from '../host/oci-types.ts';
import type { LifeContext } from './life.ts';

/** Writes config.json, with the filter compiled beforehand where the runtime takes it so. */
export function writeSpec(context: LifeContext, bundle: string, spec: OciSpec): void {
  mkdirSync(bundle, { recursive: true, mode: 0o710 });
  const ready = context.runtime.takesSeccompBpf ? withCompiledFilter(context, spec) : spec;
  // "Unlimited" is the largest 64-bit number, which a JavaScript number rounds up.
  const text = JSON.stringify(ready).replaceAll(':18446744073709552000', ':18446744073709551615');
  writeFileSync(join(bundle, 'config.json'), text, { mode: 0o600 });
}

function withCompiledFilter(context: LifeContext, spec: OciSpec): OciSpec {
  const { seccomp, ...linux } = spec.linux;
  const program = seccomp && context.life.seccomp(seccomp);
  if (program === undefined) return spec;
  return { ...spec, annotations: { ...spec.annotations, 'run.oci.seccomp_bpf_data': program }, linux };
}
