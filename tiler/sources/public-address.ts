/**
 * Whether an IP address is one of the open internet. All that the registries of special-purpose addresses (IANA; RFC 6890)
 * keep for something else is not: loopback, private, link-local, shared (CGNAT), unique-local, multicast, unspecified.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const RESERVED_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

/** Inside 2000::/3, outside of which nothing is public: tunnels that carry IPv4 addresses, and documentation. */
const RESERVED_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const reserved = new BlockList();
for (const [network, prefix] of RESERVED_V4) reserved.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of RESERVED_V6) reserved.addSubnet(network, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
/** IPv6 addresses that stand for the IPv4 address in their last 32 bits: mapped ones, and NAT64 (RFC 6052). */
const carriers = new BlockList();
carriers.addSubnet('::ffff:0:0', 96, 'ipv6');
carriers.addSubnet('64:ff9b::', 96, 'ipv6');

/** `address` as text, IPv4 in four decimal parts or IPv6. False for what is no address. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !reserved.check(address, 'ipv4');
  if (!isIPv6(address)) return false;
  const bare = address.replace(/%.*$/s, '');
  if (carriers.check(bare, 'ipv6')) return isPublicAddress(lastPartAsV4(bare));
  return globalUnicast.check(bare, 'ipv6') && !reserved.check(bare, 'ipv6');
}

/** The last 32 bits of an IPv6 address in four decimal parts. */
function lastPartAsV4(address: string): string {
  const dotted = /[^:]*$/.exec(address)?.[0] ?? '';
  if (isIPv4(dotted)) return dotted;
  const [head = '', tail] = address.split('::');
  const groups = (tail ?? head).split(':').map((group) => Number.parseInt(group || '0', 16));
  const [high = 0, low = 0] = groups.length === 1 ? [0, groups[0]] : groups.slice(-2);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
