import { createServer } from 'node:net';
import os from 'node:os';
import type { metadata } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseStat } from '../proc/process-identity.ts';
import { findLimitTools, limitedArgv } from '../process/limits.ts';
import { HostFixture } from '../testing/host-fixture.ts';
import { machineIdOf } from './machine-id.ts';
import { disksOf, listeningPorts, memoryFact, mountOf } from './read-proc.ts';

describe('what Linux says', () => {
  test('of mounts: disks once, at their shortest mount point, and network file systems', () => {
    const mounts = disksOf(
      [
        'proc /proc proc rw 0 0',
        'tmpfs /run tmpfs rw 0 0',
        '/dev/sda1 / ext4 rw 0 0',
        '/dev/sda1 /var/lib/bound ext4 rw 0 0',
        '/dev/nvme0n1 /data\\040fast xfs rw 0 0',
        '/dev/loop3 /snap/core squashfs ro 0 0',
        'filer:/vol /mnt/nfs nfs4 rw 0 0',
        '',
      ].join('\n'),
    );
    expect(mounts.map(({ mountPoint }) => mountPoint)).toEqual(['/', '/data fast', '/mnt/nfs']);
    expect(mountOf('/data fast/x', mounts)?.device).toBe('/dev/nvme0n1');
    expect(mountOf('/data', mounts)?.device).toBe('/dev/sda1');
  });

  test('of memory and listening sockets', () => {
    const memory = 'MemTotal:       24684092 kB\nMemFree: 5 kB\n';
    expect(memoryFact(memory, 'MemTotal')).toBe(24_684_092 * 1024);
    expect(memoryFact(memory, 'SwapTotal')).toBe(0);
    const table = [
      '  sl  local_address rem_address   st tx_queue',
      '   0: 0100007F:4E20 00000000:0000 0A 00000000:00000000',
      '   1: 0100007F:4E21 0100007F:1234 01 00000000:00000000',
      '   2: 00000000:0016 00000000:0000 0A 00000000:00000000',
    ].join('\n');
    expect(listeningPorts(table)).toEqual([22, 20_000]);
  });

  test('of a process whose name is made to confuse', () => {
    const rest = `S 1 77 78 0 -1 4194304 ${'0 '.repeat(12)}9001 3133440`;
    const expected = { pid: 12, state: 'S', groupId: 77, sessionId: 78, startTicks: 9001 };
    expect(parseStat(`12 (a) R 3 (b)) ${rest}`)).toEqual(expected);
    expect(parseStat('')).toBeUndefined();
  });
});

describe('limits', () => {
  const tools = { prlimit: '/usr/bin/prlimit', nice: '/usr/bin/nice' };
  test('are set by a command that becomes the program', () => {
    expect(limitedArgv(['/bin/x', '-n'], { nice: 0 }, tools)).toEqual(['/bin/x', '-n']);
    expect(limitedArgv(['/bin/x'], { nice: 3, openFiles: 9, processes: 4 }, tools)).toEqual([
      '/usr/bin/prlimit',
      '--nofile=9:9',
      '--nproc=4:4',
      '/usr/bin/nice',
      '-n',
      '3',
      '/bin/x',
    ]);
  });

  test.each([
    [{ nice: 1 }, 'nice'],
    [{ nice: 0, coreBytes: 0 }, 'prlimit'],
    [{ nice: 1, coreBytes: 0 }, 'prlimit'],
  ])('%j is refused where a machine lacks what that takes', (limits, tool) => {
    const refused = expect(() => limitedArgv(['/bin/x'], limits, findLimitTools('/nowhere')));
    refused.toThrow(expect.objectContaining({ reason: 'LIMITS_UNSUPPORTED', metadata: { tool } }));
  });
});

test('a machine id belongs to one directory of one machine', () => {
  const directory = () => {
    const facts = new Map<string, string>();
    return {
      fact: (name: string) => facts.get(name),
      saveFact: (name: string, value: string) => void facts.set(name, value),
    };
  };
  const [first, second] = [directory(), directory()];
  const id = machineIdOf(first, 'machine');
  expect(machineIdOf(first, 'machine')).toBe(id);
  expect(machineIdOf(second, 'machine')).not.toBe(id);
  expect(machineIdOf(first, 'a copy on another machine')).not.toBe(id);
});

describe('the inventory', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open({ rack: 'r1', labels: { disk: 'nvme' } });
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  test('says what this machine has', async () => {
    const { host, freeDiskBytes, freeMemoryBytes } = await fixture.client.getHost({});
    expect(host).toMatchObject({ name: 'hosts/h', rack: 'r1', labels: { disk: 'nvme' } });
    expect(host?.machineId).toMatch(/^[0-9a-f]{32}$/);
    const inventory = host?.inventory as metadata.HostInventory;
    expect(inventory.memoryBytes).toBeGreaterThan(0n);
    expect(freeMemoryBytes).toBeGreaterThan(0n);
    expect(freeDiskBytes).toBeGreaterThan(0n);
    expect(inventory).toMatchObject({
      cpuCount: os.availableParallelism(),
      hostname: os.hostname(),
    });
    expect(inventory.ports).toEqual({ first: 20_000, last: 20_999 });
    const holding = inventory.disks.filter(({ holdsData }) => holdsData);
    expect(holding.length).toBeLessThanOrEqual(1);
    for (const { sizeBytes } of holding) expect(sizeBytes).toBeGreaterThan(freeDiskBytes);
  });

  test('says on which ports of its range something listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await fixture.restart({ ports: { first: port, last: port } });
    expect((await fixture.client.getHost({})).usedPorts).toEqual([port]);
    await new Promise((resolve) => server.close(resolve));
    expect((await fixture.client.getHost({})).usedPorts).toEqual([]);
  });
});
