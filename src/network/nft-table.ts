/** The shape of our nftables table: what `nft-rules.ts` fills with elements. */

/** Sets and maps hold what changes with networks, containers and ports. */
export const sets: Readonly<Record<string, string>> = {
  bridges: 'type ifname;',
  pairs: 'type ifname . ifname;',
  outside: 'type ifname;',
  subnets4: 'type ipv4_addr; flags interval;',
  subnets6: 'type ipv6_addr; flags interval;',
  guarded4: 'type ipv4_addr; flags interval;',
  guarded6: 'type ipv6_addr; flags interval;',
  trusted4: 'type ipv4_addr . ifname; flags interval;',
  trusted6: 'type ipv6_addr . ifname; flags interval;',
  routed4: 'type ipv4_addr; flags interval;',
  routed6: 'type ipv6_addr; flags interval;',
  unprotected4: 'type ipv4_addr; flags interval;',
  unprotected6: 'type ipv6_addr; flags interval;',
  open4: 'type ipv4_addr . inet_proto . inet_service;',
  open6: 'type ipv6_addr . inet_proto . inet_service;',
  home4: 'type ipv4_addr . ifname; flags interval;',
  home6: 'type ipv6_addr . ifname; flags interval;',
  masquerade4: 'type ipv4_addr; flags interval;',
  masquerade6: 'type ipv6_addr; flags interval;',
  shared4: 'type ipv4_addr . inet_service;',
  shared6: 'type ipv6_addr . inet_service;',
};
export const maps: Readonly<Record<string, string>> = {
  source4: 'type ipv4_addr : ipv4_addr; flags interval;',
  source6: 'type ipv6_addr : ipv6_addr; flags interval;',
  publish4: 'type inet_proto . inet_service : ipv4_addr . inet_service;',
  publish6: 'type inet_proto . inet_service : ipv6_addr . inet_service;',
  'publish-at4': 'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;',
  'publish-at6': 'type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service;',
  share4: 'type inet_proto . inet_service : verdict;',
  share6: 'type inet_proto . inet_service : verdict;',
  'share-at4': 'type ipv4_addr . inet_proto . inet_service : verdict;',
  'share-at6': 'type ipv6_addr . inet_proto . inet_service : verdict;',
};

// The kernel lets no packet from ::1 leave the host; without a translation such a client is refused at once.
// A transaction takes effect at one moment, also for a packet that is half through the rules: one that began by the old
// rule of a shared port may find the addresses of the new one in place of its own, and none for it. So such a port has a
// plain translation, too, which comes after its turns.
const published = [
  'ip daddr . meta l4proto . th dport vmap @share-at4',
  'ip6 daddr . meta l4proto . th dport vmap @share-at6',
  'fib daddr type local meta l4proto . th dport vmap @share4',
  'ip6 daddr != ::1 fib daddr type local meta l4proto . th dport vmap @share6',
  'meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @publish-at4',
  'meta l4proto { tcp, udp, sctp } dnat ip6 to ip6 daddr . meta l4proto . th dport map @publish-at6',
  'meta l4proto { tcp, udp, sctp } fib daddr type local dnat ip to meta l4proto . th dport map @publish4',
  'meta l4proto { tcp, udp, sctp } ip6 daddr != ::1 fib daddr type local dnat ip6 to meta l4proto . th dport map @publish6',
];
interface Chain {
  readonly hook: string;
  readonly rules: readonly string[];
}
export const chains: Readonly<Record<string, Chain>> = {
  // Only a bridge's own ports may speak to its containers' addresses, where they are not routed to, and no bridge's may
  // use the host's loopback addresses.
  guard: {
    hook: 'type filter hook prerouting priority raw; policy accept;',
    rules: [
      'iifname @bridges ip daddr 127.0.0.0/8 drop',
      'iifname @bridges ip saddr 127.0.0.0/8 drop',
      'fib daddr type local accept',
      'ip daddr . iifname @trusted4 accept',
      'ip6 daddr . iifname @trusted6 accept',
      'ip daddr @guarded4 ip daddr . iifname != @home4 drop',
      'ip6 daddr @guarded6 ip6 daddr . iifname != @home6 drop',
    ],
  },
  // A replica that has just died must not turn a client away: the refusal is dropped, and the client's next attempt,
  // a second later, begins a new flow, which has its own turn.
  refusals: {
    hook: 'type filter hook prerouting priority mangle; policy accept;',
    rules: ['4', '6'].map(
      (family) =>
        `iifname @bridges tcp flags & (rst | ack) == rst | ack ct direction reply ct status dnat ct status ! assured ${family === '4' ? 'ip' : 'ip6'} saddr . tcp sport @shared${family} drop`,
    ),
  },
  prerouting: { hook: 'type nat hook prerouting priority dstnat; policy accept;', rules: published },
  output: { hook: 'type nat hook output priority -100; policy accept;', rules: published },
  forward: {
    hook: 'type filter hook forward priority filter; policy accept;',
    rules: [
      'iifname != @bridges oifname != @bridges accept',
      'jump user',
      'iifname . oifname @pairs accept',
      'iifname @bridges iifname != @outside drop',
      'oifname @bridges oifname != @outside drop',
      'ct state established,related accept',
      'oifname @bridges ct status dnat accept',
      'oifname @bridges ip daddr @routed4 meta l4proto icmp accept',
      'oifname @bridges ip6 daddr @routed6 meta l4proto ipv6-icmp accept',
      'ip saddr . oifname != @home4 ip daddr . meta l4proto . th dport @open4 accept',
      'ip6 saddr . oifname != @home6 ip6 daddr . meta l4proto . th dport @open6 accept',
      'iifname != @bridges ip daddr @unprotected4 accept',
      'iifname != @bridges ip6 daddr @unprotected6 accept',
      'oifname @bridges drop',
    ],
  },
  // What leaves a network has an address of the host's, on its way to another network, too. The last three rules let
  // 127.0.0.1 reach a container, and containers a published port of their own network.
  postrouting: {
    hook: 'type nat hook postrouting priority srcnat; policy accept;',
    rules: [
      'ip saddr . oifname != @home4 snat ip to ip saddr map @source4',
      'ip6 saddr . oifname != @home6 snat ip6 to ip6 saddr map @source6',
      'ip saddr @masquerade4 ip saddr . oifname != @home4 masquerade',
      'ip6 saddr @masquerade6 ip6 saddr . oifname != @home6 masquerade',
      'oifname @bridges ip saddr 127.0.0.0/8 masquerade',
      'oifname @bridges ct status dnat ip saddr @subnets4 masquerade',
      'oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade',
    ],
  },
};
