import { BaseCommand } from '../cli/base-command.ts';
import { Flags } from '../cli/flags.ts';
import { messageOf } from '../common/error.ts';
import type { Finding } from '../doctor/finding.ts';

const marks = { ok: 'ok  ', info: 'info', warn: 'WARN', fail: 'FAIL' } as const;

export default class Doctor extends BaseCommand {
  static override summary = 'Say what this machine can and cannot run, with the fix for each';
  static override flags = {
    fix: Flags.boolean({
      summary: 'Apply the fixes that are safe: install packages, load a module, mount an unused controller',
    }),
    format: Flags.string({ summary: 'Output format', options: ['text', 'json'], default: 'text' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Doctor);
    let findings = await this.#look();
    if (flags.fix && (await this.#repair(findings))) findings = await this.#look();
    if (flags.format === 'json') this.print(JSON.stringify(findings, null, 2));
    else for (const finding of findings) this.#show(finding);
    return findings.some((finding) => finding.status === 'fail') ? 1 : 0;
  }

  async #look(): Promise<readonly Finding[]> {
    const { checks } = await import('../doctor/checks.ts');
    const findings: Finding[] = [];
    for (const check of checks) findings.push(...(await check()));
    return findings;
  }

  async #repair(findings: readonly Finding[]): Promise<boolean> {
    const { applyRepair, describeRepair } = await import('../doctor/repair.ts');
    const repairs = findings.flatMap((finding) => finding.repair ?? []);
    for (const repair of repairs) {
      process.stderr.write(`${describeRepair(repair)}\n`);
      await applyRepair(repair).catch((error: unknown) => process.stderr.write(`  failed: ${messageOf(error)}\n`));
    }
    return repairs.length > 0;
  }

  #show(finding: Finding): void {
    this.print(`${marks[finding.status]}  ${finding.name}: ${finding.detail}`);
    if (finding.fix && finding.status !== 'ok') this.print(`      fix: ${finding.fix}`);
  }
}
