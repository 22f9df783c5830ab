import type { TrustRule } from '../../api/types/image.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { readContent } from '../../cli/read-content.ts';
import { trustScope } from '../../cli/trust.ts';
import { IechorError } from '../../common/error.ts';

const columns = [
  { title: 'SCOPE', field: 'Scope' },
  { title: 'RULE', field: 'Rule' },
  { title: 'KEYS', field: 'Keys' },
];

export default class TrustPolicy extends BaseCommand {
  static override summary = 'Show or change which images the engine takes from registries';
  static override synopsis = '[OPTIONS] [set SCOPE accept|reject|signed-by | rm SCOPE]';
  static override examples = [
    'iechor trust policy',
    'iechor trust policy set registry.example/team signed-by --key team.pub',
    'iechor trust policy set default reject',
  ];
  static override strict = false;
  static override flags = {
    key: Flags.string({ summary: 'File with a public key', multiple: true, multipleNonGreedy: true }),
    format: formatFlag,
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(TrustPolicy);
    const [verb, given, kind] = argv as string[];
    const engine = await this.engine();
    const policy = await engine.trustPolicy({ signal: this.signal });
    if (verb === undefined) return this.show(policy, flags.format);
    if (given === undefined) throw new IechorError('USAGE', `${verb} needs a scope, such as registry.example/team`);
    const scope = given === 'default' ? given : await trustScope(given);
    const scopes = { ...policy.scopes };
    if (verb === 'rm') {
      if (!(scope in scopes)) throw new IechorError('NOT_FOUND', `there is no rule for ${scope}`);
      delete scopes[scope];
      await engine.trustPolicySet({ body: { ...policy, scopes }, signal: this.signal });
      return;
    }
    if (verb !== 'set') throw new IechorError('USAGE', `unknown: ${verb}`, { hint: 'set, rm, or nothing to show all' });
    const rule = await ruleOf(kind, flags.key ?? []);
    const body = scope === 'default' ? { default: rule, scopes } : { ...policy, scopes: { ...scopes, [scope]: rule } };
    await engine.trustPolicySet({ body, signal: this.signal });
  }

  private show(policy: { default: TrustRule; scopes: Record<string, TrustRule> }, format: string | undefined): void {
    const rows = [['default', policy.default] as const, ...Object.entries(policy.scopes)].map(([Scope, rule]) => ({
      Scope,
      Rule: rule.type === 'signedBy' ? 'signed-by' : rule.type,
      Keys: String(rule.keys?.length ?? 0),
    }));
    this.print(formatRows(rows, columns, format));
  }
}

async function ruleOf(kind: string | undefined, files: readonly string[]): Promise<TrustRule> {
  if (kind === 'accept' || kind === 'reject') return { type: kind };
  if (kind !== 'signed-by') throw new IechorError('USAGE', 'a rule is accept, reject or signed-by');
  if (files.length === 0) throw new IechorError('USAGE', 'signed-by needs --key FILE');
  return { type: 'signedBy', keys: (await Promise.all(files.map(readContent))).map(String) };
}
