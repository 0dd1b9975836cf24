import { isIPv6 } from 'node:net';

/** Groups of 16 bits that say which network it is: whoever has one address of IPv6 has all 2^64 of its network. */
const networkGroups = 4;
const groups = 8;

/**
 * Where a call comes from, as far as its sender cannot choose: of `address:port` the address over IPv4, and the network (/64)
 * over IPv6. Anything else, such as the path of a socket, is given back as it is.
 */
export function networkOfPeer(peer: string): string {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  return mapped ?? `${expanded(address).slice(0, networkGroups).join(':')}::/64`;
}

function expanded(address: string): readonly string[] {
  const [start, end] = address.split('%', 1)[0]!.split('::', 2).map(groupsOf);
  const zeros = end === undefined ? 0 : groups - start!.length - end.length;
  return [...start!, ...Array<string>(zeros).fill('0'), ...(end ?? [])];
}

/** Without leading zeros, in lower case. An address of IPv4 at the end stands for two, which no network reaches. */
function groupsOf(part: string): readonly string[] {
  return part
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) =>
      group.includes('.') ? [group, ''] : [Number.parseInt(group, 16).toString(16)],
    );
}
