import { describe, expect, test } from 'vitest';
import { networkOfPeer } from './network-of-peer.ts';

describe('where a call comes from', () => {
  test.each([
    ['127.0.0.1:4312', '127.0.0.1'],
    ['::ffff:192.0.2.7:4312', '192.0.2.7'],
    ['[::1]:4312', '0:0:0:0::/64'],
    ['2001:db8:0:1:aaaa:bbbb:cccc:dddd:4312', '2001:db8:0:1::/64'],
    ['[2001:DB8:0:0001::9]:4312', '2001:db8:0:1::/64'],
    ['2001:db8::1:4312', '2001:db8:0:0::/64'],
    ['fe80::1%eth0:4312', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.7:4312', '64:ff9b:0:0::/64'],
    ['/run/tessera.sock', '/run/tessera.sock'],
  ])('of %s is %s', (peer, network) => {
    expect(networkOfPeer(peer)).toBe(network);
  });
});
