export interface ForeignChain {
  readonly family: 'ip' | 'ip6';
  readonly chain: string;
  readonly text: string;
}

/**
 * The chains in which other firewalls want our forwarding rules: Docker's `DOCKER-USER`, else a `FORWARD` chain that
 * drops by policy (ufw, hand-made). `list` returns the text of a chain of table `filter`, or undefined.
 */
export function foreignChains(list: (family: string, chain: string) => string | undefined): readonly ForeignChain[] {
  return (['ip', 'ip6'] as const).flatMap((family): ForeignChain[] => {
    const docker = list(family, 'DOCKER-USER');
    if (docker !== undefined) return [{ family, chain: 'DOCKER-USER', text: docker }];
    const forward = list(family, 'FORWARD');
    return forward?.includes('policy drop') ? [{ family, chain: 'FORWARD', text: forward }] : [];
  });
}

/**
 * Rules that let our bridges' traffic pass another firewall's chain; our own table judges it more closely. Traffic
 * towards Docker's bridges stays Docker's to judge. One transaction, inserted before what the chain holds.
 */
export function renderForeign(
  family: string,
  chain: string,
  names: { readonly patterns: readonly string[]; readonly mark: string },
): string {
  const rules = names.patterns.flatMap((pattern) => [
    `oifname "${pattern}" accept`,
    `iifname "${pattern}" oifname "docker*" return`,
    `iifname "${pattern}" oifname "br-*" return`,
    `iifname "${pattern}" accept`,
  ]);
  return rules
    .toReversed()
    .map((rule) => `insert rule ${family} filter ${chain} ${rule} comment "${names.mark}"\n`)
    .join('');
}

/** Handles of the rules with our mark in nft's listing of a chain. */
export function ruleHandles(text: string, mark: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.includes(`comment "${mark}" #`))
    .flatMap((line) => /# handle (\d+)/.exec(line)?.[1] ?? []);
}
