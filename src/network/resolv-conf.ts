/** What of a resolv.conf(5) matters here. */
export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Reads a resolv.conf(5): the last `search` or `domain` wins, options add up. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let search: string[] = [];
  for (const line of text.split('\n')) {
    const [key, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (key === 'nameserver' && words[0]) nameservers.push(words[0]);
    if (key === 'search' || key === 'domain') search = words;
    if (key === 'options') options.push(...words);
  }
  return { nameservers, search, options };
}

/** The address our resolver listens on in each container. */
export const resolverAddress = '127.0.0.11';

/**
 * A container's resolv.conf, as Docker writes it: our resolver, the search list and options asked for or else the
 * host's, `ndots:0` unless another is given. A search list of `.` is an empty one. Without a resolver (no network)
 * no name server is named.
 */
export function renderResolvConf(
  asked: { readonly search: readonly string[]; readonly options: readonly string[] },
  host: ResolvConf,
  resolver: 'ours' | 'none',
): string {
  const search = (asked.search.length > 0 ? asked.search : host.search).filter((domain) => domain !== '.');
  const options = asked.options.length > 0 ? asked.options : host.options;
  const all = options.some((option) => option.startsWith('ndots:')) ? options : [...options, 'ndots:0'];
  const lines = [
    '# Written by iEchor for the name server of this container.',
    ...(resolver === 'none' ? [] : [`nameserver ${resolverAddress}`]),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    `options ${all.join(' ')}`,
  ];
  return `${lines.join('\n')}\n`;
}
