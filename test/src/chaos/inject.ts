import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DaemonProcess, SlowSync, type TestCluster } from '@tessera/testkit/cluster';
import type { Fault } from './fault.ts';

/** Undoes a fault. Daemons that were ended are started by whoever waits until all are ready. */
export type Heal = () => Promise<void> | void;

/** Makes something go wrong; it stays so until it is healed. */
export async function inject(cluster: TestCluster, fault: Fault): Promise<Heal> {
  const { network } = cluster;
  switch (fault.kind) {
    case 'kill':
      await named(cluster, fault.daemon).end('SIGKILL');
      return () => {};
    case 'kill-host': {
      const there = cluster.daemons.filter(({ host }) => host === fault.host);
      await Promise.all(there.map((daemon) => daemon.end('SIGKILL')));
      return () => {};
    }
    case 'pause': {
      const daemon = named(cluster, fault.daemon);
      daemon.pause();
      return () => daemon.resume();
    }
    case 'cut-off':
      network.setLink(fault.host, 'down');
      return () => network.setLink(fault.host, 'up');
    case 'separate': {
      const [a, b] = fault.hosts;
      network.separate(a, b);
      return () => network.join(a, b);
    }
    case 'narrow':
      network.narrow(fault.host, fault.kilobits);
      return () => network.widen(fault.host);
    case 'fill-disk': {
      const disk = cluster.disk(fault.disk, fault.host);
      disk.fill();
      return () => disk.empty();
    }
    case 'slow-sync': {
      const { pid } = named(cluster, fault.daemon);
      if (pid === undefined) return () => {}; // Another fault of this round has ended it.
      const slow = new SlowSync(pid, fault.delayMs);
      return () => slow[Symbol.asyncDispose]();
    }
    case 'corrupt':
      corruptFile(cluster.disk('storage', fault.host).folder, fault.choice);
      return () => {};
  }
}

function named(cluster: TestCluster, name: string): DaemonProcess {
  return cluster.daemons.find((daemon) => daemon.name === name)!;
}

/** Changes one byte of a stored file in place, as a failing disk does. */
function corruptFile(folder: string, choice: number): void {
  const files = globSync('{cuboids,snapshots}/**/*.parquet', { cwd: folder }).sort();
  if (files.length === 0) return;
  const file = join(folder, files[choice % files.length]!);
  try {
    const bytes = readFileSync(file);
    bytes[choice % bytes.length]! ^= 0x40;
    writeFileSync(file, bytes);
  } catch (error) {
    // The daemon may have deleted it, and another fault may have filled the disk.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOSPC') throw error;
  }
}
